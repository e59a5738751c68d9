import type { z } from 'zod'
import type { YearPattern } from '../contracts/sources/common.js'
import { WardbookError } from '../kernel/errors.js'

export type YearPatternConfig = z.infer<typeof YearPattern>

/** What a portal lists under a name. */
export interface Named {
  readonly id: string
  readonly name: string
}

/** What was found of the years asked for. */
export interface FoundYears<Item> {
  /** By year, oldest first. */
  readonly items: readonly Item[]
  /** Names of the years that have to be there and are not. */
  readonly missing: readonly string[]
}

/**
 * Picks the one item a year whose name fits a pattern; case and runs of blanks do not matter.
 * Years from `from` to `through` have to be there, a later one is taken too when it is.
 * @param now milliseconds since 1970: without `through`, the current year (UTC) is the last that has to be there
 * @throws WardbookError 'source-ambiguous' (fix-config) when two items of a year fit
 */
export function pickYears<Item extends Named>(
  listed: Iterable<Item>,
  pattern: YearPatternConfig,
  now: number,
): FoundYears<Item> {
  const fits = yearExpression(pattern.name)
  const byYear = new Map<number, Item>()
  for (const item of listed) {
    const year = Number(fits.exec(item.name)?.[1] ?? Number.NaN)
    if (!(year >= pattern.from)) continue
    const other = byYear.get(year)
    if (other !== undefined && other.id !== item.id) throw ambiguous(pattern.name, year, other, item)
    byYear.set(year, item)
  }
  const through = pattern.through ?? new Date(now).getUTCFullYear()
  const missing: string[] = []
  for (let year = pattern.from; year <= through; year++) {
    if (!byYear.has(year)) missing.push(pattern.name.replaceAll('{year}', String(year)))
  }
  const items = [...byYear.entries()].sort(([a], [b]) => a - b).map(([, item]) => item)
  return { items, missing }
}

/** Words of a pattern without its year: what to search a catalog for. */
export function wordsOf(pattern: YearPatternConfig): string {
  return pattern.name
    .replaceAll('{year}', ' ')
    .replaceAll(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()
}

function yearExpression(name: string): RegExp {
  const [first = '', ...rest] = name.trim().split('{year}').map(literal)
  return new RegExp(`^\\s*${first}(\\d{4})${rest.join('\\1')}\\s*$`, 'iu')
}

function literal(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\/]/g, '\\$&').replaceAll(/\s+/g, '\\s+')
}

function ambiguous(pattern: string, year: number, one: Named, other: Named): WardbookError {
  const message = `two things fit "${pattern}" for ${year}: ${one.id} "${one.name}" and ${other.id} "${other.name}"; name the right ones by their ids instead`
  return new WardbookError('source-ambiguous', 'fix-config', message, {
    pattern,
    year,
    ids: [one.id, other.id],
  })
}
