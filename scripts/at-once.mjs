/** As many as a small machine has cores. */
const AT_ONCE = 2

/**
 * Does `work` for each item, two at a time, in their order. After a failure no other item is begun; rejects with the
 * first failure when what was under way has ended.
 *
 * @template T, R
 * @param {Iterable<T>} items
 * @param {(item: T) => Promise<R>} work
 * @returns {Promise<R[]>} the results, in the order of the items
 */
export async function atOnce(items, work) {
  const queue = [...items].entries()
  const results = []
  const failures = []
  const worker = async () => {
    for (const [index, item] of queue) {
      if (failures.length > 0) return
      try {
        results[index] = await work(item)
      } catch (error) {
        failures.push(error)
      }
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  if (failures.length > 0) throw failures[0]
  return results
}
