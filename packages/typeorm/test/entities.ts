import {
  Column,
  Entity,
  JoinTable,
  ManyToMany,
  ManyToOne,
  type MigrationInterface,
  OneToMany,
  PrimaryGeneratedColumn,
  type QueryRunner,
} from 'typeorm'

@Entity('tags')
export class Tag {
  @PrimaryGeneratedColumn()
  id!: number

  @Column({ type: 'varchar', length: 50 })
  label!: string
}

@Entity('authors')
export class Author {
  @PrimaryGeneratedColumn()
  id!: number

  @Column({ type: 'varchar', length: 100, unique: true })
  name!: string

  @OneToMany(
    () => Post,
    (post) => post.author,
    { cascade: true },
  )
  posts!: Post[]
}

@Entity('posts')
export class Post {
  @PrimaryGeneratedColumn()
  id!: number

  @Column({ type: 'varchar', length: 100 })
  title!: string

  @Column({ type: 'int', default: 0 })
  likes!: number

  @Column({ type: 'boolean', default: false })
  published!: boolean

  @ManyToOne(
    () => Author,
    (author) => author.posts,
    { onDelete: 'CASCADE' },
  )
  author!: Author

  @ManyToMany(() => Tag, { cascade: ['insert'] })
  @JoinTable({ name: 'post_tags' })
  tags!: Tag[]
}

export class CreateNotes1700000000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('create table notes (n int)')
    await queryRunner.query('insert into notes values (1)')
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('drop table notes')
  }
}

export const ENTITIES = [Author, Post, Tag]
