export * from './mariadb-pool.js'
