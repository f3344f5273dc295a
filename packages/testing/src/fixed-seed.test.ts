import fc from 'fast-check'

test('random histories are the same in every run, unless another seed is asked for', () => {
  const { seed } = fc.readConfigureGlobal()
  expect(seed).toBe(Number(process.env.FUZZ_SEED ?? seed))
  const samples = [1, 2].map(() => fc.sample(fc.integer(), 20))
  expect(samples[0]).toEqual(samples[1])
  const runs: number[][] = []
  for (let run = 0; run < 2; run += 1) {
    const drawn: number[] = []
    fc.assert(fc.property(fc.integer(), (n) => void drawn.push(n)))
    runs.push(drawn)
  }
  expect(runs[0]).toEqual(runs[1])
})
