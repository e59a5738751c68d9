import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { scoreServer } from '../src/demo/score/score-server.js'
import type { Score } from '../src/demo/score/score-shape.js'
import type { Truth } from '../src/demo/truth.js'
import { median } from './measure.js'
import type { Figure } from './run.js'

/** A simulated city whose findings are served. */
export interface RunningCity {
  readonly truth: Truth
  /** Address of its pages. */
  readonly url: string
  close(): Promise<void>
}

const Limit = z.number().nonnegative().nullable()
const Limits = z.strictObject({ median: Limit, worst: Limit })
const Floors = z.strictObject({
  comment: z.string(),
  recall: Limits,
  precision: Limits,
  categories: Limits,
  delayDays: Limits,
  trapsReported: Limits,
})

/** Limits of the score over all seeds: floors of shares, ceilings of days and traps; null where none is set. */
export type ScoreFloors = z.infer<typeof Floors>

/** The limits that are committed. */
export function readFloors(): ScoreFloors {
  return Floors.parse(JSON.parse(readFileSync(join(import.meta.dirname, 'demo-floors.json'), 'utf8')))
}

/** A figure of one score. A share of nothing counts as 0: what cannot be measured has not been reached. */
interface Reading {
  readonly name: keyof Omit<ScoreFloors, 'comment'>
  readonly metric: string
  readonly unit: string
  readonly isFloor: boolean
  /** undefined: this seed has none. */
  readonly of: (score: Score) => number | undefined
}

const READINGS: readonly Reading[] = [
  {
    ...{ name: 'recall', metric: 'planted rises and falls found', unit: '', isFloor: true },
    of: ({ counts }) => counts.recall.share ?? 0,
  },
  {
    ...{ name: 'precision', metric: 'reported rises and falls that are right', unit: '', isFloor: true },
    of: ({ counts }) => counts.precision.share ?? 0,
  },
  {
    ...{ name: 'categories', metric: 'categories under exactly one name', unit: '', isFloor: true },
    of: ({ categories }) => categories.all.share ?? 0,
  },
  {
    ...{ name: 'delayDays', metric: 'days until half were told', unit: 'd', isFloor: false },
    of: ({ counts }) => counts.delay?.happened.median,
  },
  {
    ...{ name: 'trapsReported', metric: 'traps reported as a rise or fall', unit: '', isFloor: false },
    of: ({ traps }) => traps.filter(({ reported }) => reported.length > 0).length,
  },
]

/**
 * Scores a city of each seed, one after the other, and gives the middle and the worst of every figure.
 * @param seeds at least one
 * @param run   makes, reads and serves the city of a seed; it is closed also when its score fails
 */
export async function scoreSeeds(
  seeds: readonly number[],
  run: (seed: number) => Promise<RunningCity>,
  floors: ScoreFloors = readFloors(),
): Promise<Figure[]> {
  const scores: Score[] = []
  for (const seed of seeds) {
    const city = await run(seed)
    try {
      scores.push(await scoreServer(city.truth, city.url, fetch))
    } finally {
      await city.close()
    }
  }
  return READINGS.flatMap((reading) => figuresOf(reading, scores, floors[reading.name]))
}

function figuresOf(reading: Reading, scores: readonly Score[], limits: z.infer<typeof Limits>): Figure[] {
  const values = scores.map(reading.of).filter((value) => value !== undefined)
  const worst = reading.isFloor ? Math.min(...values) : Math.max(...values)
  const seeds = `${scores.length} ${scores.length === 1 ? 'seed' : 'seeds'}`
  return [
    figureOf(reading, `${reading.metric}, median of ${seeds}`, median(values), limits.median),
    figureOf(reading, `${reading.metric}, worst of ${seeds}`, worst, limits.worst),
  ]
}

/** Without any value (nothing was found, so nothing took any time) a ceiling is missed. */
function figureOf({ unit, isFloor }: Reading, metric: string, value: number, limit: number | null): Figure {
  const ok = limit === null || (Number.isFinite(value) && (isFloor ? value >= limit : value <= limit))
  const target = limit === null ? 'none set' : `${isFloor ? '>=' : '<='} ${limit}`
  return { metric, value: Number(value.toFixed(4)), unit, target, ok }
}
