import { expectTypeOf } from 'expect-type'
import type { EventOf } from './events.js'

// One event has several types: each of them must find it.
expectTypeOf<EventOf<'switchoverCompleted'>['endpoint']>().toEqualTypeOf<string>()
expectTypeOf<EventOf<'failoverCompleted'>['type']>().toEqualTypeOf<'failoverCompleted'>()
expectTypeOf<EventOf<'failoverStarted'>['endpoint']>().toEqualTypeOf<string | undefined>()
