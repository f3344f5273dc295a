/** Something that can stand in one {@link LinkedList} at a time. */
export interface Linked<T extends Linked<T>> {
  previous: T | undefined
  next: T | undefined
  list: LinkedList<T> | undefined
}

/**
 * A doubly linked list whose links live in its items: adding and removing anywhere is O(1) and allocates nothing. Its
 * fields are for others to read.
 */
export class LinkedList<T extends Linked<T>> {
  first: T | undefined = undefined
  last: T | undefined = undefined
  size = 0

  push(item: T): void {
    const { last } = this
    item.list = this as T['list']
    item.previous = last
    item.next = undefined
    if (last === undefined) this.first = item
    else last.next = item
    this.last = item
    this.size += 1
  }

  /** Removes the item if it stands in this list; false if it does not. */
  remove(item: T): boolean {
    if (item.list !== this) return false
    const { previous, next } = item
    if (previous === undefined) this.first = next
    else previous.next = next
    if (next === undefined) this.last = previous
    else next.previous = previous
    item.previous = undefined
    item.next = undefined
    item.list = undefined
    this.size -= 1
    return true
  }

  shift(): T | undefined {
    const item = this.first
    if (item !== undefined) this.remove(item)
    return item
  }

  /** First to last; the item being visited may be removed. */
  *[Symbol.iterator](): Generator<T, void> {
    let item = this.first
    while (item !== undefined) {
      const next: T | undefined = item.next
      yield item
      item = next
    }
  }
}
