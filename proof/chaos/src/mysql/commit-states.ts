/** A session whose commit waits for a replica. The products end it with different words. */
export const WAITING_FOR_REPLICA = "coalesce(state, '') like 'Waiting for semi-sync ACK from %'"

/** That, or one whose commit stands in line behind such a one; MariaDB and MySQL in turn. */
export const COMMITTING = `${WAITING_FOR_REPLICA} or coalesce(state, '') in ('Commit', 'waiting for handler commit')`
