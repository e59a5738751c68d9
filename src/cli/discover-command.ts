import { discover, type Suggestion } from '../main/discover.js'
import type { Output } from './output.js'
import type { CommonOptions } from './program.js'

/** Flags of `wardbook discover`. */
export interface DiscoverOptions extends CommonOptions {
  readonly limit?: number
  readonly words?: string
  readonly mirror?: string
}

const DEFAULT_LIMIT = 10

/** `wardbook discover`: one line a dataset, then blocks for a city file. @returns the exit code */
export async function runDiscover(portal: string, options: DiscoverOptions, output: Output): Promise<number> {
  const { limit = DEFAULT_LIMIT, words, mirror, json } = options
  const found = await discover({ portal, limit, words, mirror })
  const { family, listed, described, usable, suggestions } = found
  output.note(
    `${found.portal} (${family}): ${listed} tables listed, ${described} described, ${usable} with a division and a time`,
  )
  for (const suggestion of suggestions) output.result(lineOf(suggestion), factsOf(suggestion))
  if (suggestions.length === 0) {
    output.note('nothing to suggest: try --words, or name a dataset by hand (docs/your-city.md)')
  } else if (!json) {
    const blocks = suggestions.map(({ block }) => block.trimEnd().replaceAll(/^(?=.)/gm, '  '))
    output.result(['', 'datasets:', ...blocks].join('\n'), {})
  }
  return 0
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
