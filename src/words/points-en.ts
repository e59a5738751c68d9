import type { PointFacts } from './facts.js'
import { count, plural } from './numbers-en.js'

const NO_BREAK = '\u00a0'

/** What the points of rows did to their divisions, in sentences: how many lie on the map, what became of the others, what the publisher says otherwise. */
export function pointTexts(facts: PointFacts): string[] {
  const others = unplaced(facts)
  return [
    onTheMap(facts),
    ...(others.length === 0
      ? []
      : [`The other rows count as without a ${noun(facts)}: ${listText(others)}.`]),
    ...differenceText(facts),
  ]
}

function onTheMap({ boundary, label, counts }: PointFacts): string {
  const { inside, outside, blank, zero, unreadable } = counts
  const all = inside + outside + blank + zero + unreadable
  const division = label.toLowerCase()
  const rows = inside === all ? `all ${plural(all, 'row')}` : `${count(inside)} of ${plural(all, 'row')}`
  const lie = all === 1 || inside === 1 ? 'lies' : 'lie'
  return `The ${division} of a row is the one in which its point lies on the map “${boundary}”: ${rows} ${lie} in a ${division}.`
}

function unplaced({ counts: { outside, blank, zero, unreadable } }: PointFacts): string[] {
  const kinds: [number, string][] = [
    [blank, 'without a point'],
    [zero, 'with the point 0,0'],
    [outside, 'outside of the map'],
    [unreadable, 'with a point that cannot be read'],
  ]
  return kinds.flatMap(([rows, what]) => (rows === 0 ? [] : [`${count(rows)} ${what}`]))
}

/** Nothing where the publisher's own column is not compared, or no row has both. */
function differenceText(facts: PointFacts): string[] {
  const { compared, differing } = facts.counts
  if (compared === undefined || differing === undefined) return []
  if (compared === 0) return [`No row has both a point on the map and a published ${noun(facts)}.`]
  const both = `${plural(compared, 'row has', 'rows have')} both`
  if (differing === 0) return [`No point lies in another ${noun(facts)} than published (${both}).`]
  return [
    `${share(differing, compared)} of rows have a point that lies in another ${noun(facts)} than published (${count(differing)} of the ${count(compared)} that have both).`,
  ]
}

function noun({ label }: PointFacts): string {
  return label.toLowerCase()
}

/** '11 %'; never 0 % where there was one, nor 100 % where one was missing. */
function share(part: number, whole: number): string {
  const percent = (100 * part) / whole
  if (percent < 0.1) return `Fewer than 0.1${NO_BREAK}%`
  if (percent < 10) return `${percent.toFixed(1)}${NO_BREAK}%`
  if (part < whole && percent > 99) return `More than 99${NO_BREAK}%`
  return `${Math.round(percent)}${NO_BREAK}%`
}

function listText(items: readonly string[]): string {
  return items.length < 2 ? (items[0] ?? '') : `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`
}
