import fc from 'fast-check'
import { testAlert } from '../../../test/alerts/test-alert.js'
import { Outbox } from './outbox.js'

const alert = (endpoint: string, status: 'firing' | 'resolved' = 'firing') =>
  testAlert({ endpoint }, { status })
const endpoints = (alerts: ReturnType<Outbox['peek']>) =>
  alerts.map(({ labels }) => labels.endpoint)

describe('an outbox', () => {
  test('holds the newest state of each alert, and loses none that came while an older one was delivered', () => {
    const action = fc.oneof(
      fc.record({ put: fc.constantFrom('a', 'b', 'c', 'd'), resolved: fc.boolean() }),
      fc.record({
        deliver: fc.integer({ min: 1, max: 3 }),
        meanwhile: fc.constantFrom('a', 'b', ''),
      }),
    )
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
        const outbox = new Outbox(100)
        const newest = new Map<string, ReturnType<typeof alert>>()
        const put = (endpoint: string, status: 'firing' | 'resolved'): void => {
          const each = alert(endpoint, status)
          newest.set(each.key, each)
          outbox.put(each)
        }
        for (const each of actions) {
          if ('put' in each) put(each.put, each.resolved ? 'resolved' : 'firing')
          else {
            const batch = outbox.peek(each.deliver)
            expect(batch.length).toBe(Math.min(each.deliver, newest.size))
            for (const sent of batch) expect(newest.get(sent.key)).toBe(sent)
            if (each.meanwhile !== '') put(each.meanwhile, 'resolved')
            outbox.settle(batch)
            for (const sent of batch) if (newest.get(sent.key) === sent) newest.delete(sent.key)
          }
          expect(outbox.size).toBe(newest.size)
        }
        expect(new Set(outbox.peek(100))).toEqual(new Set(newest.values()))
      }),
    )
  })

  test('makes room by leaving out the oldest that is resolved, else the oldest', () => {
    const outbox = new Outbox(3)
    outbox.put(alert('a'))
    outbox.put(alert('b', 'resolved'))
    outbox.put(alert('c'))
    outbox.put(alert('d'))
    expect(endpoints(outbox.peek(9))).toEqual(['a', 'c', 'd'])
    outbox.put(alert('e'))
    expect(endpoints(outbox.peek(9))).toEqual(['c', 'd', 'e'])
    expect(outbox.dropped).toBe(2)
  })

  test('delivers those alone that were refused together', () => {
    const outbox = new Outbox(9)
    for (const each of ['a', 'b', 'c']) outbox.put(alert(each))
    outbox.separate(outbox.peek(2))
    expect(endpoints(outbox.peek(9))).toEqual(['a'])
    outbox.settle(outbox.peek(9))
    expect(endpoints(outbox.peek(9))).toEqual(['b'])
    outbox.settle(outbox.peek(9))
    expect(endpoints(outbox.peek(9))).toEqual(['c'])
  })
})
