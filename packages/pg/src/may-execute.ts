/**
 * An expression that says whether a role may call a function of the server's own. One that the server lacks counts as one that
 * may not be called.
 *
 * @param signature its name and types
 * @param role `public` for all roles; `@default` that of the session
 */
export function mayExecute(signature: string, role?: 'public'): string {
  const whose = role === undefined ? '' : `'${role}', `
  return `coalesce(pg_catalog.has_function_privilege(${whose}pg_catalog.to_regprocedure('pg_catalog.${signature}'), 'execute'), false)`
}
