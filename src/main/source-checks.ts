import type { DatasetConfig } from '../contracts/city-file.js'
import { requiredFields } from '../contracts/kinds.js'
import { nearestWord } from '../kernel/nearest-word.js'
import { sameColumn } from '../sources/files/read-csv.js'
import type { Seen } from './machine-checks.js'

/** Columns of one offer, as a raw table would have them; undefined where nothing tells them before a read. */
export interface OfferColumns {
  readonly name: string
  readonly columns: readonly string[] | undefined
}

/** A check of a source, without its place. */
export type SourceCheck = Seen & { readonly check: string }

/** What a city file says of a source's columns, against what the portal has. Pure. */
export function checkColumns(dataset: DatasetConfig, offers: readonly OfferColumns[]): SourceCheck[] {
  const told = offers.flatMap(({ name, columns }) => (columns === undefined ? [] : [{ name, columns }]))
  if (told.length === 0) {
    const message = 'nothing tells the columns before the whole file is read'
    return [{ check: 'columns', state: 'told', message }]
  }
  return [
    ...checkDivision(dataset, told),
    ...(dataset.key === undefined ? [] : [needed('key', [dataset.key], told)]),
    ...Object.entries(dataset.mapping).map(([field, from]) => {
      const candidates = candidatesOf(from)
      if (requiredFields(dataset.kind).includes(field)) return needed(`mapping.${field}`, candidates, told)
      return wanted(`mapping.${field}`, candidates, told)
    }),
    ...unnamed(dataset, told),
  ]
}

type Told = { readonly name: string; readonly columns: readonly string[] }

function checkDivision({ partition }: DatasetConfig, told: readonly Told[]): SourceCheck[] {
  const { by, point, from, column } = partition
  if (by === 'citywide') return []
  if (by !== 'point') return [needed('division', [from ?? column], told)]
  const columns = point === undefined ? [] : Object.values(point)
  return columns.map((name) => needed('division', [name], told))
}

function candidatesOf(field: unknown): readonly string[] {
  if (typeof field === 'string') return [field]
  if (Array.isArray(field)) return field as string[]
  return candidatesOf((field as { from: unknown }).from)
}

/** Every offer must have one of the columns. */
function needed(check: string, candidates: readonly string[], told: readonly Told[]): SourceCheck {
  const without = told.filter(({ columns }) => !has(columns, candidates))
  const words = candidates.join(' or ')
  if (without.length === 0) return { check, state: 'fit', message: words, facts: { columns: candidates } }
  const [first] = without
  const near = nearestWord(candidates[0] ?? '', first?.columns ?? [])
  return {
    ...{ check, state: 'unfit' },
    message: `no column ${words} in ${without.length} of ${told.length}: ${namesOf(without)}`,
    todo: `${near === undefined ? '' : `did you mean ${near}? `}columns there: ${(first?.columns ?? []).join(', ')}`,
    facts: { columns: candidates, without: without.map(({ name }) => name) },
  }
}

/** A field that may be empty; some offers may lack it, not all. */
function wanted(check: string, candidates: readonly string[], told: readonly Told[]): SourceCheck {
  const without = told.filter(({ columns }) => !has(columns, candidates))
  if (without.length === told.length || without.length === 0) return needed(check, candidates, told)
  const message = `no column ${candidates.join(' or ')} in ${without.length} of ${told.length}: ${namesOf(without)}`
  return { check, state: 'told', message, facts: { without: without.map(({ name }) => name) } }
}

function unnamed(dataset: DatasetConfig, told: readonly Told[]): SourceCheck[] {
  const { partition, key, mapping } = dataset
  const points = partition.point === undefined ? [] : Object.values(partition.point)
  const division = partition.by === 'citywide' ? [] : [partition.from ?? partition.column]
  const named = [
    ...[...division, ...(key === undefined ? [] : [key])],
    ...[...points, ...Object.values(mapping).flatMap(candidatesOf)],
  ]
  const all = [...new Set(told.flatMap(({ columns }) => columns))]
  const others = all.filter((column) => !has(named, [column]))
  if (others.length === 0) return []
  const message = `the city file names no use for: ${others.join(', ')}`
  return [{ check: 'other columns', state: 'told', message, facts: { columns: others } }]
}

/** What is new and what is gone since the last snapshot; nothing to say where both are the same. */
export function checkChanges(before: readonly string[], offers: readonly OfferColumns[]): SourceCheck[] {
  if (offers.some(({ columns }) => columns === undefined)) return []
  const now = [...new Set(offers.flatMap(({ columns }) => columns ?? []))]
  const added = now.filter((column) => !has(before, [column]))
  const vanished = before.filter((column) => !has(now, [column]))
  if (added.length + vanished.length === 0)
    return [{ check: 'since last read', state: 'fit', message: 'the columns are those of the last snapshot' }]
  const said = [
    ...(added.length > 0 ? [`new columns: ${added.join(', ')}`] : []),
    ...(vanished.length > 0 ? [`vanished columns: ${vanished.join(', ')}`] : []),
  ]
  return [{ check: 'since last read', state: 'told', message: said.join('; '), facts: { added, vanished } }]
}

function has(columns: readonly string[], candidates: readonly string[]): boolean {
  return candidates.some((name) => columns.some((column) => sameColumn(column, name)))
}

const NAMES_SHOWN = 3

function namesOf(offers: readonly Told[]): string {
  const shown = offers.slice(0, NAMES_SHOWN).map(({ name }) => name)
  return `${shown.join(', ')}${offers.length > NAMES_SHOWN ? ', …' : ''}`
}
