import type { EventKind } from '../truth.js'
import type { Delay, Score, ScoredEvent, ScoredFinding, Share } from './score-shape.js'

/** What the kinds of planted events are, as one says it. */
export const KIND_WORDS: Record<EventKind, string> = {
  surge: 'rise of several weeks',
  spike: 'short rise',
  drop: 'fall',
  shift: 'lasting change',
  'slow-down': 'slower closing',
  cluster: 'rise in neighboring divisions',
  inequality: 'unequal service',
  'data-gap': 'gap in the data',
  'rewritten-history': 'rewritten history',
  outage: 'outage',
  migration: 'change of system',
  'late-publication': 'late publication',
}

/** A share as percent, or that there is none. */
export function percent({ share }: Share): string {
  return share === null ? 'none' : `${Math.round(share * 100)} %`
}

/** '12 of 17'. */
export function partOf({ part, whole }: Share): string {
  return `${number(part)} of ${number(whole)}`
}

export function days(count: number | undefined): string {
  return count === undefined ? '' : `${count} ${count === 1 ? 'day' : 'days'}`
}

/** The four figures of a delay: happened median and 90 %, knowable median and 90 %; blank where nothing was found. */
export function delayWords(delay: Delay | null): string[] {
  const { happened, knowable } = delay ?? {}
  return [happened?.median, happened?.ninetieth, knowable?.median, knowable?.ninetieth].map(days)
}

export function number(count: number): string {
  return count.toLocaleString('en-US')
}

/** The planted events that should have been found and were not. */
export function missedOf({ events }: Score): ScoredEvent[] {
  return events.filter(({ outcome }) => outcome === 'missed')
}

/** The findings that belong to no planted event. */
export function falseOf({ findings }: Score): ScoredFinding[] {
  return findings.filter(({ events }) => events.length === 0)
}

/** A finding in its own sentence, or, where it has none, in its facts. */
export function findingWords(finding: ScoredFinding): string {
  const { sentence, dataset, division, category, metric, direction, from } = finding
  return (
    sentence ?? `${dataset}, ${division}, ${category}: ${metric} ${direction} from ${from}, without figures.`
  )
}

/** What the city is, in a line. */
export function cityWords({ city, seed, size, from, asOf }: Score): string {
  return `${city}, a simulated city (seed ${seed}, size ${size}), from ${from} to ${asOf}`
}
