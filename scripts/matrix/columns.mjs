// The columns of the matrix: versions that are installed together, and what is tried with them.

/** What a range of peers begins and ends with; see peerDependencies in packages/. */
export const COLUMNS = [
  {
    name: 'oldest',
    note: 'the oldest pg, TypeORM and Drizzle',
    packages: {
      pg: '8.11.0',
      '@types/pg': '8.11.0',
      '@types/node': '20.19.43',
      typeorm: '0.3.20',
      'drizzle-orm': '0.44.0',
    },
    programs: ['pg', 'failover', 'typeorm', 'drizzle-schema'],
  },
  {
    name: 'prisma-6',
    note: 'the oldest Prisma, which wants pg 8.11.3',
    packages: {
      pg: '8.11.3',
      '@types/pg': '8.11.6',
      '@types/node': '20.19.43',
      prisma: '6.16.0',
      '@prisma/client': '6.16.0',
      '@prisma/adapter-pg': '6.16.0',
    },
    programs: ['pg', 'prisma-ts', 'prisma-js'],
  },
  {
    name: 'last-of-old',
    note: 'the newest TypeORM 0.3, Prisma 6 and Drizzle 0.45',
    packages: {
      pg: '8.16.3',
      '@types/pg': '8.16.0',
      '@types/node': '22.20.5',
      typeorm: '0.3.31',
      'drizzle-orm': '0.45.4',
      prisma: '6.19.3',
      '@prisma/client': '6.19.3',
      '@prisma/adapter-pg': '6.19.3',
    },
    programs: ['pg', 'failover', 'typeorm', 'drizzle-schema', 'prisma-ts', 'prisma-js'],
  },
  {
    name: 'first-of-new',
    note: 'TypeORM 1.0.0 and Prisma 7.0.0',
    packages: {
      pg: '8.16.3',
      '@types/pg': '8.16.0',
      '@types/node': '22.20.5',
      typeorm: '1.0.0',
      'drizzle-orm': '0.45.4',
      prisma: '7.0.0',
      '@prisma/client': '7.0.0',
      '@prisma/adapter-pg': '7.0.0',
    },
    programs: ['pg', 'typeorm', 'prisma-ts', 'prisma-js'],
  },
  {
    name: 'newest',
    note: 'the newest of everything, Drizzle 1.0-rc among it',
    packages: {
      pg: '8.23.1',
      '@types/pg': '8.23.1',
      '@types/node': '24.19.2',
      typeorm: '1.1.1',
      'drizzle-orm': '1.0.0-rc.5',
      prisma: '7.10.1',
      '@prisma/client': '7.10.0',
      '@prisma/adapter-pg': '7.10.1',
    },
    programs: ['pg', 'failover', 'typeorm', 'drizzle-relations', 'prisma-ts', 'prisma-js'],
  },
  {
    name: 'metrics',
    note: 'both client libraries for Prometheus in one process',
    packages: {
      pg: '8.23.1',
      '@types/pg': '8.23.1',
      '@types/node': '24.19.2',
      'prom-client': '15.1.3',
      '@prometheus-io/client': '0.16.1',
    },
    programs: ['metrics'],
  },
  {
    name: 'nest-11',
    note: 'the oldest NestJS and Terminus',
    packages: {
      pg: '8.16.3',
      '@types/pg': '8.16.0',
      '@types/node': '20.19.43',
      '@nestjs/common': '11.0.1',
      '@nestjs/core': '11.0.1',
      '@nestjs/platform-express': '11.0.1',
      '@nestjs/terminus': '11.0.0',
      'reflect-metadata': '0.2.2',
      rxjs: '7.8.2',
    },
    programs: ['nest'],
  },
  {
    name: 'nest-12',
    note: 'the newest NestJS and Terminus, which are ES modules alone',
    packages: {
      pg: '8.23.1',
      '@types/pg': '8.23.1',
      '@types/node': '24.19.2',
      '@nestjs/common': '12.5.1',
      '@nestjs/core': '12.5.1',
      '@nestjs/platform-express': '12.5.1',
      '@nestjs/terminus': '12.1.0',
      'reflect-metadata': '0.2.2',
      rxjs: '7.8.2',
    },
    programs: ['nest'],
    // Older ones do not let CommonJS import ES modules.
    typescripts: ['5.9', '7.0'],
    module: 'NodeNext',
  },
]

/** Left out by `--quick`: what lies between the ends of each range. */
export const MIDDLE = ['last-of-old', 'first-of-new', 'nest-11']

/** The oldest TypeScript, the newest written in itself, and the newest. */
export const TYPESCRIPTS = { 5.4: '5.4.5', 5.9: '5.9.3', '7.0': '7.0.2' }

/** Node's major versions beside the one that runs this. They run the programs of the columns at both ends. */
export const NODES = ['22', '24']
