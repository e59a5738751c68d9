import {
  ENDS_AFTER_INSIDE,
  OPENS_AFTER,
  OPENS_AT_ONCE,
  RETURNS_WITHIN_WINDOWS,
} from '../contracts/finding-rules.js'
import type { FindingState } from '../contracts/proposal.js'

/** One window of a series as its test saw it. */
export interface Window {
  readonly tested: boolean
  /** Left its range: q-value, excess and ratio all beyond their limits. */
  readonly outside: boolean
  readonly qValue: number
  readonly ratio: number
}

/** Something that happened to a finding: windows are positions in the series. */
export interface FindingStep {
  readonly state: Extract<FindingState, 'new' | 'ongoing' | 'ended' | 'returned'>
  readonly window: number
  /** Window that names the finding for ever. */
  readonly onset: number
  /** First window of the current episode: the onset, or where the finding returned. */
  readonly since: number
  /** Last window outside, up to this one. */
  readonly lastOutside: number
}

/**
 * The life of the findings of one series: opens at once if q ≤ 0.01 and ratio ≥ 2, otherwise when two of three windows are outside;
 * ends after two tested windows inside. A window that was not tested neither opens, goes on nor ends anything.
 * @param windows oldest first, one a week, no gaps
 */
export function followSeries(windows: readonly Window[]): FindingStep[] {
  const steps: FindingStep[] = []
  let open: { onset: number; since: number; inside: number; lastOutside: number } | undefined
  let ended: { onset: number; window: number } | undefined
  windows.forEach((window, at) => {
    if (!window.tested) return
    if (open === undefined) {
      const since = opensAt(windows, at, ended?.window ?? -1)
      if (since === undefined) return
      const returns = ended !== undefined && since - ended.window <= RETURNS_WITHIN_WINDOWS
      const onset = returns ? (ended?.onset ?? since) : since
      open = { onset, since, inside: 0, lastOutside: at }
      steps.push({ state: returns ? 'returned' : 'new', window: at, onset, since, lastOutside: at })
    } else if (window.outside) {
      open = { ...open, inside: 0, lastOutside: at }
      steps.push({ state: 'ongoing', window: at, ...placesOf(open) })
    } else {
      open = { ...open, inside: open.inside + 1 }
      if (open.inside < ENDS_AFTER_INSIDE) return
      steps.push({ state: 'ended', window: at, ...placesOf(open) })
      ended = { onset: open.onset, window: at }
      open = undefined
    }
  })
  return steps
}

function placesOf({ onset, since, lastOutside }: { onset: number; since: number; lastOutside: number }) {
  return { onset, since, lastOutside }
}

/** First window of the finding that opens at `at`, or undefined when none opens. @param after windows up to this one are history */
function opensAt(windows: readonly Window[], at: number, after: number): number | undefined {
  const window = windows[at] as Window
  if (!window.outside) return undefined
  if (window.qValue <= OPENS_AT_ONCE.maxQ && window.ratio >= OPENS_AT_ONCE.minRatio) return at
  const recent = range(Math.max(after + 1, at - OPENS_AFTER.of + 1), at).filter(
    (place) => windows[place]?.outside,
  )
  return recent.length >= OPENS_AFTER.outside ? recent[0] : undefined
}

function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index)
}
