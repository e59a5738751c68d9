import type { Stage } from './message.js'

/** One finished step, for people and for `--json`: one line each. */
export interface Step {
  readonly stage: Stage
  readonly dataset?: string
  readonly source?: string
  /** What was done, in words with the numbers. */
  readonly message: string
  /** The same as data. */
  readonly facts: Readonly<Record<string, unknown>>
}

/** Who is told of finished steps. */
export type Report = (step: Step) => void
