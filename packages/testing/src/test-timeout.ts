// Runs before each file of tests, so that its timeout is that of the machine at that time.
import { patient } from './patience.js'

/** Of a test on a quiet machine. */
const TEST_TIMEOUT_MS = 60_000

jest.setTimeout(patient(TEST_TIMEOUT_MS))
