/** What one more answer weighs in the mean and in the variation: the gains of RFC 6298. */
const MEAN_GAIN = 1 / 8
const VARIATION_GAIN = 1 / 4
/** Beyond so many times the variation hardly any answer comes. */
const VARIATIONS = 4
/** How much of the slowest answer is remembered after each faster one; what made a near server slow is soon over. */
const MEMORY = { near: 0.9, far: 0.99 }
/** What an answer may take beyond the slowest of late. */
const MARGIN = 1.25

/** Answers of late of which one must have come soon for a network to be near: a busy machine delays most of them. */
const LATEST = 60
/** With fewer answers than this a server that seems far may be a near one of a machine that is busy, or just starting. */
const ENOUGH = 12
const ROUND_TRIPS_OF_LOGIN = 2
/** Servers of one site answer sooner than this. */
const NEAR_MS = 8
/**
 * On a network beyond one site a packet may be lost and sent again, which takes a second before it has been seen: so many
 * times as long as in a near one an answer is waited for at least, up to so long.
 */
const FAR_FACTOR = 6
const FAR_MS = 1500
/** No deadline grows to more than so many times itself, or beyond this: a server that is gone must be found gone. */
const MOST_GROWTH = 20
const LONGEST_ANSWER_MS = 5000
const LONGEST_LOGIN_MS = 20_000
/** Deadlines of equal duration share a timer. */
const GRAIN_MS = 50

/** What a server has answered. */
export interface AnsweredQuestion {
  /** When it was asked, or the login for it was begun, on the monotonic clock. */
  readonly askedAt: number
  /** True if it took a login. */
  readonly fresh: boolean
}

/** How long something takes: smoothed, with its variation, as TCP reckons with round trips. */
class Estimate {
  #meanMs: number | undefined
  #variationMs = 0
  #slowestMs = 0

  get known(): boolean {
    return this.#meanMs !== undefined
  }

  /** What the next one hardly exceeds; 0 if nothing is known. */
  get highMs(): number {
    const expectedMs = (this.#meanMs ?? 0) + VARIATIONS * this.#variationMs
    return Math.max(expectedMs, MARGIN * this.#slowestMs)
  }

  add(tookMs: number, memory: number): void {
    const meanMs = this.#meanMs
    if (meanMs === undefined) {
      this.#meanMs = tookMs
      this.#variationMs = tookMs / 2
    } else {
      this.#variationMs += (Math.abs(tookMs - meanMs) - this.#variationMs) * VARIATION_GAIN
      this.#meanMs = meanMs + (tookMs - meanMs) * MEAN_GAIN
    }
    this.#slowestMs = Math.max(tookMs, this.#slowestMs * memory)
  }
}

/**
 * How soon one server answers, as measured by all that talk to it: probes, pings and logins. Deadlines for it follow
 * from that, from a floor that the options set up to a ceiling that detection needs.
 *
 * A server that is near is held to the floor unless it has been slower of late. For one that is far, silence proves
 * nothing before a lost packet could have been sent again, whether any has been lost yet or not.
 */
export class ResponseTimes {
  readonly #answers = new Estimate()
  readonly #logins = new Estimate()
  readonly #latest: number[] = []
  #nearestMs: number | undefined

  /**
   * A question has been answered over an open connection.
   *
   * @param roundTrips how often something was sent for it, and answered
   */
  answered(tookMs: number, roundTrips = 1): void {
    this.#answers.add(tookMs, this.#memory())
    this.#note(tookMs / roundTrips)
  }

  /** A login has succeeded. */
  loggedIn(tookMs: number): void {
    this.#logins.add(tookMs, this.#memory())
    // One to connect and one to be let in, at the least.
    this.#note(tookMs / ROUND_TRIPS_OF_LOGIN)
  }

  /** Whether anything has been measured. */
  get known(): boolean {
    return this.#nearestMs !== undefined
  }

  /** Whether a packet may be on its way for long. */
  get far(): boolean {
    return this.#nearestMs !== undefined && this.#nearestMs > NEAR_MS
  }

  /** Whether it seems far by so few answers that each may have been delayed by something else: further ones will tell. */
  get doubtful(): boolean {
    return this.far && this.#latest.length < ENOUGH
  }

  /** What a question over an open connection hardly exceeds; 0 if nothing is known. */
  get answerMs(): number {
    // A login is several questions.
    return this.#answers.known ? this.#answers.highMs : this.#logins.highMs
  }

  /** What a login hardly exceeds; 0 if nothing is known. */
  get loginMs(): number {
    return this.#logins.highMs
  }

  /** Deadline of a question over an open connection, `floorMs` at least. */
  answerWithinMs(floorMs: number): number {
    const leastMs = this.far ? Math.max(floorMs, Math.min(FAR_FACTOR * floorMs, FAR_MS)) : floorMs
    return between(leastMs, this.answerMs, ceilingOf(floorMs, LONGEST_ANSWER_MS))
  }

  /** Deadline of a login, `floorMs` at least. */
  loginWithinMs(floorMs: number): number {
    return between(floorMs, this.loginMs, ceilingOf(floorMs, LONGEST_LOGIN_MS))
  }

  /** The same of a login and a question after it. */
  firstAnswerWithinMs(floorMs: number): number {
    const usualMs = this.#logins.known ? this.loginMs + this.#answers.highMs : 0
    return between(floorMs, usualMs, ceilingOf(floorMs, LONGEST_LOGIN_MS))
  }

  /** How long a login that makes progress may take in all. */
  longestLoginMs(floorMs: number): number {
    return Math.max(this.loginWithinMs(floorMs), ceilingOf(floorMs, LONGEST_LOGIN_MS))
  }

  #memory(): number {
    return this.far ? MEMORY.far : MEMORY.near
  }

  #note(tookMs: number): void {
    this.#latest.push(tookMs)
    if (this.#latest.length > LATEST) this.#latest.shift()
    this.#nearestMs = Math.min(...this.#latest)
  }
}

function ceilingOf(floorMs: number, longestMs: number): number {
  return Math.max(floorMs, Math.min(MOST_GROWTH * floorMs, longestMs))
}

function between(leastMs: number, wantedMs: number, mostMs: number): number {
  if (wantedMs <= leastMs) return leastMs
  return Math.max(leastMs, Math.min(Math.ceil(wantedMs / GRAIN_MS) * GRAIN_MS, mostMs))
}
