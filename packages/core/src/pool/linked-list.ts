/** Something that can stand in one {@link LinkedList} at a time. */
export interface Linked<T extends Linked<T>> {
  previous: T | undefined
  next: T | undefined
  list: LinkedList<T> | undefined
}

/** A doubly linked list whose links live in its items: adding and removing anywhere is O(1) and allocates nothing. */
export class LinkedList<T extends Linked<T>> {
  #first: T | undefined
  #last: T | undefined
  #size = 0

  get size(): number {
    return this.#size
  }

  get first(): T | undefined {
    return this.#first
  }

  get last(): T | undefined {
    return this.#last
  }

  push(item: T): void {
    item.list = this
    item.previous = this.#last
    item.next = undefined
    if (this.#last === undefined) this.#first = item
    else this.#last.next = item
    this.#last = item
    this.#size += 1
  }

  /** Removes the item if it stands in this list; false if it does not. */
  remove(item: T): boolean {
    if (item.list !== this) return false
    if (item.previous === undefined) this.#first = item.next
    else item.previous.next = item.next
    if (item.next === undefined) this.#last = item.previous
    else item.next.previous = item.previous
    item.previous = undefined
    item.next = undefined
    item.list = undefined
    this.#size -= 1
    return true
  }

  shift(): T | undefined {
    const item = this.#first
    if (item !== undefined) this.remove(item)
    return item
  }

  /** First to last; the item being visited may be removed. */
  *[Symbol.iterator](): Generator<T, void> {
    let item = this.#first
    while (item !== undefined) {
      const next: T | undefined = item.next
      yield item
      item = next
    }
  }
}
