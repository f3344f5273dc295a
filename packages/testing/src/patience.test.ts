import os from 'node:os'
import { calibrate, patient, slowness } from './patience.js'

const VARIABLE = 'CONNMGR_TEST_SLOWNESS'
const before = process.env[VARIABLE]

function loadOf(perProcessor: number): void {
  const load = perProcessor * os.availableParallelism()
  jest.spyOn(os, 'loadavg').mockReturnValue([load, 0, 0])
}

afterEach(() => {
  jest.restoreAllMocks()
  if (before === undefined) delete process.env[VARIABLE]
  else process.env[VARIABLE] = before
})

test.each([
  ['nothing, on a quiet machine', undefined, 0, 1],
  ['what was measured at the start of the run', '3.5', 1, 3.5],
  ['the load, where that says more', '3.5', 6, 6],
  ['no more than twenty times', '70', 90, 20],
  ['nothing, on a machine that is faster than ours', '0.2', 0.1, 1],
])('a deadline is prolonged by %s', (_by, measured, load, factor) => {
  if (measured === undefined) delete process.env[VARIABLE]
  else process.env[VARIABLE] = measured
  loadOf(load)
  expect(slowness()).toBe(factor)
  expect(patient(200)).toBe(200 * factor)
})

test('what a calibration has measured holds for this process and those that it starts', async () => {
  loadOf(0)
  const factor = await calibrate()
  expect(factor).toBeGreaterThanOrEqual(1)
  expect(Number(process.env[VARIABLE])).toBe(factor)
})
