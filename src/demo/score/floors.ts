import type { Score, Share } from './score-shape.js'

/** Figures of a score that may have a floor. */
const FIGURES = {
  recall: ({ counts }) => counts.recall,
  precision: ({ counts }) => counts.precision,
  'recall-everything': ({ everything }) => everything.recall,
  'precision-everything': ({ everything }) => everything.precision,
  categories: ({ categories }) => categories.all,
} satisfies Record<string, (score: Score) => Share>

export type FloorName = keyof typeof FIGURES
export const FLOOR_NAMES = Object.keys(FIGURES) as FloorName[]

/** Smallest share that is enough, by figure. */
export type Floors = Partial<Record<FloorName, number>>

/** A figure that lies under its floor. */
export interface UnderFloor {
  readonly figure: FloorName
  /** null: there was nothing to measure, which is under every floor but 0. */
  readonly share: number | null
  readonly floor: number
}

/** Reads `recall=0.5,precision=0.8`. @returns undefined when the text is something else */
export function parseFloors(text: string): Floors | undefined {
  const pairs = text.split(',').map((pair) => /^([a-z-]+)=(0|1|0?\.\d+|1\.0+)$/.exec(pair.trim()))
  if (!pairs.every((pair) => pair && Object.hasOwn(FIGURES, pair[1]!))) return undefined
  return Object.fromEntries(pairs.map((pair) => [pair![1], Number(pair![2])]))
}

/** The figures that are not as good as they have to be. */
export function underFloors(score: Score, floors: Floors): UnderFloor[] {
  return FLOOR_NAMES.flatMap((figure) => {
    const floor = floors[figure] ?? 0
    const { share } = FIGURES[figure](score)
    return (share ?? 0) < floor ? [{ figure, share, floor }] : []
  })
}
