import type { DataSource } from 'typeorm'
import { Author, Post, Tag } from './entities.js'
import type { AdapterSubject } from './subject.js'

export function describeCrud(subject: AdapterSubject): void {
  const { harness } = subject

  describe('entities', () => {
    test('are saved with their relations, loaded, changed and removed', async () => {
      const dataSource = await subject.open({}, harness.twoConnections)
      const authors = dataSource.getRepository(Author)
      const posts = dataSource.getRepository(Post)
      await authors.save({
        name: 'Ada',
        posts: [{ title: 'Notes', tags: [{ label: 'engine' }, { label: 'history' }] }],
      })
      const [ada] = await authors.find({ relations: { posts: { tags: true } } })
      expect(ada).toMatchObject({
        id: 1,
        name: 'Ada',
        posts: [{ title: 'Notes', likes: 0, published: false }],
      })
      expect(ada?.posts[0]?.tags.map(({ label }) => label).sort()).toEqual(['engine', 'history'])
      await posts.increment({ title: 'Notes' }, 'likes', 2)
      await posts.update({ title: 'Notes' }, { published: true })
      expect(
        await posts
          .createQueryBuilder('post')
          .innerJoinAndSelect('post.author', 'author')
          .where('author.name = :name', { name: 'Ada' })
          .getOneOrFail(),
      ).toMatchObject({ likes: 2, published: true, author: { name: 'Ada' } })
      await authors.remove(ada as Author)
      expect([await authors.count(), await posts.count()]).toEqual([0, 0])
      expect(await dataSource.getRepository(Tag).count()).toBe(2)
      expect(subject.manager(dataSource).getCounts()).toMatchObject({ inUse: 0, waiting: 0 })
    })

    test('give the same results as with TypeORM alone', async () => {
      const plain = await subject.openPlain()
      const expected = await resultsOf(plain)
      await plain.destroy()
      await harness.empty()
      expect(await resultsOf(await subject.open())).toEqual(expected)
    })
  })
}

/** What statements of every kind give, in all forms in which TypeORM hands it on. */
async function resultsOf(dataSource: DataSource): Promise<unknown[]> {
  const authors = dataSource.getRepository(Author)
  const quoted = dataSource.driver.escape('authors')
  const results: unknown[] = [
    await authors.insert([{ name: 'Ada' }, { name: 'Grace' }]),
    await authors.save([{ name: 'Edith' }, { name: 'Emmy', posts: [{ title: 'Rings' }] }]),
    await authors.update({ name: 'Ada' }, { name: 'Ada L.' }),
    await authors.update({ name: 'Unknown' }, { name: 'None' }),
    await authors.upsert({ id: 2, name: 'Grace H.' }, ['id']),
    await authors.delete({ name: 'Edith' }),
    await dataSource.query(`select id, name from ${quoted} order by id`),
    await dataSource.query(`delete from ${quoted} where name = 'Unknown'`),
    await authors.createQueryBuilder('a').select('a.name', 'name').orderBy('a.id').getRawMany(),
    await authors
      .createQueryBuilder('a')
      .leftJoinAndSelect('a.posts', 'p')
      .orderBy('a.id')
      .getRawAndEntities(),
    await authors.createQueryBuilder().update().set({ name: 'G' }).where('id = 2').execute(),
    await authors.createQueryBuilder().delete().where('id = 1').execute(),
    await authors.findAndCount({ order: { id: 'ASC' } }),
  ]
  const queryRunner = dataSource.createQueryRunner()
  results.push(await queryRunner.query(`select count(*) as n from ${quoted}`, [], true))
  results.push(await queryRunner.query(`update ${quoted} set name = 'E' where id = 4`, [], true))
  const columns = (await queryRunner.getTable('posts'))?.columns ?? []
  // MySQL promises no order for the rows of its `information_schema`, in which TypeORM reads them.
  results.push(columns.map(({ name, type }) => `${name} ${type}`).sort())
  await queryRunner.release()
  return results
}
