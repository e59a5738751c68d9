import { addDays, type Day } from '../../kernel/time.js'
import type { PlantedEvent } from '../truth.js'

/** What happened, in a sentence: what truth says to a reader who was told something else. */
export function sayEvent(event: Omit<PlantedEvent, 'id' | 'said'>): string {
  return `${spanOf(event.from, event.to)}, ${whatHappened(event)}.`
}

function spanOf(from: Day, to: Day | null): string {
  return to === null ? `From ${from} on` : `From ${from} to ${addDays(to, -1)}`
}

function whatHappened({
  kind,
  dataset,
  divisions,
  categories,
  factor,
  toldOn,
}: Omit<PlantedEvent, 'id' | 'said'>): string {
  const place = placeOf(divisions)
  const what = `“${categories.join('”, “')}” (${dataset})`
  switch (kind) {
    case 'slow-down':
      return `cases of ${what} in ${place} stayed open ${factor} times as long as usual`
    case 'inequality':
      return `cases of ${what} in ${place} stayed open ${factor} times as long as elsewhere`
    case 'data-gap':
      return `nothing was published of ${dataset}, though the city went on as usual`
    case 'outage':
      return `${dataset} could not be entered at first, and were then entered under later days`
    case 'migration':
      return `types of ${dataset} moved to another system one by one, and some cases were published by both`
    case 'late-publication':
      return `${dataset} were published only on ${toldOn}`
    case 'rewritten-history':
      return `many ${dataset} were struck out on ${toldOn} without a word`
    default:
      return `${place} had ${factor} times the usual number of ${what}`
  }
}

function placeOf(divisions: readonly string[]): string {
  if (divisions.length === 0 || divisions[0] === 'citywide') return 'the whole city'
  return divisions.length === 1 ? `District ${divisions[0]}` : `Districts ${divisions.join(', ')}`
}
