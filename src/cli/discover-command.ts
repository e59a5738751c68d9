import { discover, type Suggestion, type Suggestions } from '../main/discover.js'
import type { Output } from './output.js'
import type { CommonOptions } from './program.js'

/** Flags of `wardbook discover`. */
export interface DiscoverOptions extends CommonOptions {
  readonly limit?: number
  readonly words?: string
  readonly mirror?: string
  readonly maxTables?: number
  readonly partRows?: number
  readonly partMib?: number
}

const DEFAULT_LIMIT = 10

/**
 * `wardbook discover`: one line a dataset, then blocks for a city file, or a line of JSON each and one on the search as a whole.
 * @returns the exit code
 */
export async function runDiscover(portal: string, options: DiscoverOptions, output: Output): Promise<number> {
  const { limit = DEFAULT_LIMIT, words, mirror, maxTables, json } = options
  const found = await discover({ portal, limit, words, mirror, maxTables, parts: partsOf(options) })
  for (const line of searchLines(found)) output.note(line)
  for (const suggestion of found.suggestions) output.result(lineOf(suggestion), factsOf(suggestion))
  if (json) output.result('', { summary: summaryOf(found) })
  else if (found.suggestions.length > 0) output.result(blocksOf(found), {})
  if (found.suggestions.length === 0)
    output.note('nothing to suggest: try --words, or name a dataset by hand (docs/your-city.md)')
  return 0
}

function partsOf({ partRows, partMib }: DiscoverOptions) {
  return {
    ...(partRows === undefined ? {} : { maxRows: partRows }),
    ...(partMib === undefined ? {} : { maxUncompressedBytes: partMib * 2 ** 20 }),
  }
}

/** What was looked through, and what was not. */
function searchLines(found: Suggestions): string[] {
  const { family, listed, described, usable, failed, leftOut, isCut, suggestions } = found
  return [
    `${found.portal} (${family}): ${count(listed)} tables listed, ${count(described)} described, ${count(usable)} with a division and a time`,
    ...(isCut ? [`the catalog has more than these ${count(listed)} tables: narrow it with --words`] : []),
    ...(leftOut > 0
      ? [
          `${tables(leftOut)} more not described: raise --max-tables to ${described + failed + leftOut}, or narrow the search with --words`,
        ]
      : []),
    ...(failed > 0 ? [`${tables(failed)} gave no description when asked`] : []),
    ...(usable > suggestions.length && suggestions.length > 0
      ? [`the best ${suggestions.length} are shown: raise --limit to see all ${count(usable)}`]
      : []),
  ]
}

function summaryOf({ suggestions, ...counts }: Suggestions): Record<string, unknown> {
  const { portal, family, listed, isCut, described, failed, leftOut, usable, parts } = counts
  return {
    ...{ portal, family, listed, catalogCut: isCut, described, failed, leftOut, usable },
    ...{ shown: suggestions.length, parts },
  }
}

function blocksOf({ suggestions, parts, hasOwnParts }: Suggestions): string {
  const { maxRows, maxUncompressedBytes } = parts
  const own = `parts: { maxRows: ${maxRows}, maxUncompressedBytes: ${maxUncompressedBytes} }`
  const blocks = suggestions.map(({ block }) => block.trimEnd().replaceAll(/^(?=.)/gm, '  '))
  return ['', ...(hasOwnParts ? [own] : []), 'datasets:', ...blocks].join('\n')
}

function lineOf({ rank, candidate, estimate }: Suggestion): string {
  const { name, entries, years, rows, updatedAt, roles, filled } = candidate
  const tables = years.length > 0 ? `${entries.length} tables ${years[0]} to ${years.at(-1)}, ` : ''
  const place = roles.division === undefined ? `point ${pointOf(candidate)}` : `division ${roles.division}`
  const full = filled === undefined ? '' : ` (${Math.floor(filled * 100)} % filled)`
  const said = [
    `${tables}${rows === undefined ? 'rows unknown' : `${count(rows)} rows`}`,
    `changed ${updatedAt?.slice(0, 10) ?? 'unknown'}`,
    `${place}${full}`,
    `time ${roles.opened}`,
    sizeOf(estimate),
  ]
  return `${String(rank).padStart(2)}  ${name}: ${said.join('; ')}`
}

function sizeOf({ downloadBytes, parts, fitsCeiling }: Suggestion['estimate']): string {
  const fits = fitsCeiling ? 'passes the memory ceiling' : 'does NOT pass the memory ceiling'
  if (downloadBytes === undefined) return fits
  return `about ${count(Math.ceil(downloadBytes / 2 ** 20))} MiB in ${parts} or more parts, ${fits}`
}

function pointOf({ roles: { point } }: Suggestion['candidate']): string {
  if (point === undefined) return 'none'
  return 'location' in point ? point.location : `${point.latitude}, ${point.longitude}`
}

function tables(number: number): string {
  return `${count(number)} ${number === 1 ? 'table' : 'tables'}`
}

function count(number: number): string {
  return number.toLocaleString('en-US')
}

function factsOf({ rank, candidate, estimate, block }: Suggestion): Record<string, unknown> {
  const { name, entries, years, rows, updatedAt, roles, filled } = candidate
  const tables = entries.map(({ id, link }) => ({ id, link }))
  return {
    rank,
    name,
    family: entries[0]?.family,
    tables,
    years,
    rows,
    updatedAt,
    filled,
    roles,
    estimate,
    block,
  }
}
