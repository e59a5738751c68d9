/** What kind of request a fault waits for; the last four are the requests of a multipart upload. */
export type Verb = 'GET' | 'HEAD' | 'PUT' | 'DELETE' | 'LIST' | 'BEGIN' | 'PART' | 'COMPLETE' | 'ABORT'

/**
 * A way to misbehave.
 * - `status`: an error answer; nothing is done. 200 is an error too that S3 sends as a completion's body
 * - `slow`: does and answers as it should, after `delayMs`
 * - `lost-reply`: does it, then cuts the connection
 * - `late`: cuts the connection or answers 500 at once, and does it `delayMs` later, or just before the next request of this key
 * - `duplicate`: does it twice, as a proxy that repeats; the answer is the second one
 * - `ignore-condition`: overwrites in spite of `If-None-Match: *`
 * - `truncate`: a GET's body is cut after `bytes`, though its head announces all of it
 * - `shorten`: the same, with a head that announces only `bytes`
 * - `corrupt`: one byte of a GET's body is another
 * - `stall`: a GET's body stops after `bytes` and the connection stays open
 */
export type Fault =
  | { readonly kind: 'status'; readonly status: number; readonly code: string }
  | { readonly kind: 'slow'; readonly delayMs: number }
  | { readonly kind: 'lost-reply' }
  | { readonly kind: 'late'; readonly when: 'before-next' | number; readonly answer: 'cut' | 500 }
  | { readonly kind: 'duplicate' }
  | { readonly kind: 'ignore-condition' }
  | { readonly kind: 'truncate' | 'shorten' | 'stall'; readonly bytes: number }
  | { readonly kind: 'corrupt' }

/** The faults that a service shows on a bad day, ready to be planned. */
export const FAULTS = {
  conflict: { kind: 'status', status: 409, code: 'ConditionalRequestConflict' },
  internalError: { kind: 'status', status: 500, code: 'InternalError' },
  slowDown: { kind: 'status', status: 503, code: 'SlowDown' },
  lostReply: { kind: 'lost-reply' },
  lateLanding: { kind: 'late', when: 'before-next', answer: 'cut' },
  lateAfterError: { kind: 'late', when: 'before-next', answer: 500 },
  duplicate: { kind: 'duplicate' },
  slow: { kind: 'slow', delayMs: 30 },
} as const satisfies Record<string, Fault>

/** Requests that a planned fault meets. */
export interface Target {
  readonly verb: Verb
  /** Names in the bucket; by default all. */
  readonly name?: RegExp
  /** How many requests it meets; by default 1. */
  readonly times?: number
}

/** Which fault the next request meets, if any. */
export class FaultPlan {
  private planned: { readonly fault: Fault; readonly target: Target; left: number }[] = []
  private chooser: ((verb: Verb, name: string) => Fault | undefined) | undefined

  /** The next requests of this target meet this fault; plans of one target are worked off in order. */
  add(fault: Fault, target: Target): void {
    this.planned.push({ fault, target, left: target.times ?? 1 })
  }

  /** Asked for every request that no plan meets; for weather from a seed. Undefined ends it. */
  choose(chooser: ((verb: Verb, name: string) => Fault | undefined) | undefined): void {
    this.chooser = chooser
  }

  /** Takes the fault of this request from the plan. */
  take(verb: Verb, name: string): Fault | undefined {
    const next = this.planned.find(
      ({ target, left }) => left > 0 && target.verb === verb && (target.name?.test(name) ?? true),
    )
    if (next === undefined) return this.chooser?.(verb, name)
    next.left -= 1
    return next.fault
  }

  clear(): void {
    this.planned = []
    this.chooser = undefined
  }
}
