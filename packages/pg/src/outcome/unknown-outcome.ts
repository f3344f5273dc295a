/** transaction_resolution_unknown, of the SQL standard. */
export const UNKNOWN_OUTCOME = '08007'
