import type { DatasetConfig } from '../../contracts/city-file.js'
import type { Column, ColumnType } from '../../contracts/columns.js'
import { ourTypeOf, publishedTypeOf } from '../../lake/duckdb/text-cell.js'
import { type ColumnPlan, planColumns } from '../plan-columns.js'
import type { DivisionFiles, FileInput } from './adopt-job.js'
import type { AdoptionRecord, LastAdoption, NumberedFile } from './adoption-record.js'
import { divisionOf, type FolderValue, foldersOf } from './hive-path.js'

/** What a plan is made from. */
export interface AdoptionFacts {
  readonly files: readonly NumberedFile[]
  readonly last: LastAdoption
  readonly dataset: DatasetConfig
  /** Key of the folders that hold the division. */
  readonly folderKey: string
  /** As the city file wishes. */
  readonly mode: 'copy' | 'register'
  /** Columns of the publisher that the table has so far. */
  readonly existing: readonly Column[]
  /** Partition column of the table so far, or undefined when there is none. */
  readonly partitionColumn: string | undefined
}

/** What one adoption will do; nothing is done yet. */
export interface AdoptionPlan {
  readonly mode: AdoptionRecord['mode']
  /** Why files that were to be registered are copied: one line a column. */
  readonly copiedBecause: readonly string[]
  readonly columns: readonly Column[]
  /** How each file's columns map onto the table's, in the order of the files. */
  readonly columnPlan: ColumnPlan
  /** Whether the table has this form already; if not, all of it is made anew. */
  readonly isSameTable: boolean
  /** Divisions whose files are new or changed. */
  readonly written: readonly DivisionFiles[]
  /** Divisions whose files are as they were: their parts stay. */
  readonly kept: readonly string[]
  /** Divisions that have no file any more. */
  readonly gone: readonly string[]
  /** Columns that were not text, as published. */
  readonly typed: readonly { readonly column: string; readonly type: string }[]
}

/** Plans an adoption: which form the table has, and which divisions are worked. Pure. */
export function planAdoption(facts: AdoptionFacts): AdoptionPlan {
  const { files, last, dataset } = facts
  const shapes = files.map(shapeOf)
  const columnPlan = planColumns(
    shapes.map(({ header }) => header),
    dataset.partition.column,
    facts.existing,
  )
  const columnTypes = typesByColumn(columnPlan, shapes)
  const copiedBecause = facts.mode === 'copy' ? [] : reasonsToCopy(columnPlan, shapes, columnTypes)
  const mode = facts.mode === 'register' && copiedBecause.length === 0 ? 'register' : 'copy'
  const columns = columnPlan.columns.map((column) => tableColumn(column, columnTypes, mode, last))
  const isSameTable =
    last.record?.mode === mode &&
    last.record.column.toLowerCase() === facts.folderKey.toLowerCase() &&
    facts.partitionColumn === dataset.partition.column &&
    shapeOfTable(facts.existing) === shapeOfTable(columns)
  const inputs = files.map((file, at) => fileInput(file, shapes[at] as Shape, columnPlan.pages[at] ?? []))
  const now = byDivision(inputs, files, facts)
  const before = byDivision(last.files, last.files, facts)
  const isKept = ({ division, files }: DivisionFiles) =>
    isSameTable && identityOf(files) === identityOf(before.get(division)?.files ?? [])
  const divisions = [...now.values()].sort((a, b) => (a.division < b.division ? -1 : 1))
  return {
    mode,
    copiedBecause,
    columns,
    columnPlan,
    isSameTable,
    written: divisions.filter((division) => !isKept(division)) as DivisionFiles[],
    kept: divisions.filter(isKept).map(({ division }) => division),
    gone: [...before.keys()].filter((division) => !now.has(division)).sort(),
    typed: columns.flatMap(({ name, metadata }) =>
      columnTypes.has(name) && metadata?.published_type !== undefined
        ? [{ column: metadata.published ?? name, type: metadata.published_type }]
        : [],
    ),
  }
}

/** A file's columns that go into the table: its own, but for those that its path gives, then those of the path. */
interface Shape {
  readonly own: NumberedFile['layout']
  readonly repeated: FileInput['repeated']
  readonly folders: readonly FolderValue[]
  readonly header: readonly string[]
}

function shapeOf({ path, layout }: NumberedFile): Shape {
  const folders = new Map(foldersOf(path).map((folder) => [folder.key.trim().toLowerCase(), folder]))
  const folderOf = (name: string) => folders.get(name.trim().toLowerCase())
  const own = layout.filter(([name]) => folderOf(name) === undefined)
  const repeated = layout.flatMap(([name, type]) => {
    const folder = folderOf(name)
    return folder === undefined ? [] : [{ from: name, type, value: folder.value }]
  })
  const inPath = [...folders.values()]
  return {
    own,
    repeated,
    folders: inPath,
    header: [...own.map(([name]) => name), ...inPath.map(({ key }) => key)],
  }
}

function fileInput(file: NumberedFile, shape: Shape, names: readonly string[]): FileInput {
  const { page, path, sha256, rows, rowGroupBytes } = file
  const folderNames = names.slice(shape.own.length)
  return {
    ...{ page, path, sha256, rows, rowGroupBytes },
    cells: shape.own.map(([from, type], at) => ({ column: names[at] as string, from, type })),
    folder: Object.fromEntries(folderNames.map((name, at) => [name, shape.folders[at]?.value ?? null])),
    repeated: shape.repeated,
  }
}

function byDivision<File extends { readonly path: string }>(
  inputs: readonly File[],
  files: readonly NumberedFile[],
  { folderKey, dataset }: AdoptionFacts,
) {
  const divisions = new Map<string, { division: string; files: File[]; rows: number; bytes: number }>()
  for (const [at, input] of inputs.entries()) {
    const published = foldersOf(input.path).findLast(({ key }) => isSameName(key, folderKey))
    const division = divisionOf(published?.value ?? null, dataset.partition.values)
    const { rows, uncompressedBytes } = files[at] as NumberedFile
    const known = divisions.get(division) ?? { division, files: [], rows: 0, bytes: 0 }
    known.files.push(input)
    known.rows += rows
    known.bytes += uncompressedBytes
    divisions.set(division, known)
  }
  return divisions
}

function identityOf(files: readonly { page: number; path: string; sha256: string }[]): string {
  return JSON.stringify(files.map(({ page, path, sha256 }) => [page, path, sha256]).sort())
}

function isSameName(a: string, b: string): boolean {
  return a.trim().toLowerCase() === b.trim().toLowerCase()
}

/** Engine types of each table column, over all files that have it in themselves. */
function typesByColumn(plan: ColumnPlan, shapes: readonly Shape[]): Map<string, string[]> {
  const types = new Map<string, Set<string>>()
  for (const [at, { own, folders }] of shapes.entries()) {
    const names = plan.pages[at] ?? []
    for (const [index, [, type]] of own.entries()) addTo(types, names[index] as string, type)
    for (const index of folders.keys()) addTo(types, names[own.length + index] as string, 'VARCHAR')
  }
  return new Map([...types].map(([name, found]) => [name, [...found].sort()]))
}

function addTo(sets: Map<string, Set<string>>, name: string, type: string): void {
  sets.set(name, (sets.get(name) ?? new Set()).add(type))
}

/** Why a table of these files cannot have them as they are. */
function reasonsToCopy(
  plan: ColumnPlan,
  shapes: readonly Shape[],
  types: ReadonlyMap<string, readonly string[]>,
): string[] {
  const reasons = new Set<string>()
  for (const [name, found] of types) {
    if (found.length > 1) reasons.add(`column ${name} has several types: ${found.join(', ')}`)
    else if (ourTypeOf(found[0] ?? '') === undefined) reasons.add(`column ${name} is ${found[0]}`)
  }
  for (const [at, { own }] of shapes.entries()) {
    for (const [index, [name]] of own.entries()) {
      const stored = plan.pages[at]?.[index]
      if (stored !== name) reasons.add(`column ${name} would have to be called ${stored}`)
    }
  }
  return [...reasons]
}

function tableColumn(
  column: Column,
  types: ReadonlyMap<string, readonly string[]>,
  mode: AdoptionRecord['mode'],
  last: LastAdoption,
): Column {
  const found = types.get(column.name)
  const { published_type: before, ...metadata } = column.metadata ?? {}
  const published = found?.filter((type) => type !== 'VARCHAR').map(publishedTypeOf) ?? []
  const shown = found === undefined ? before : published.join(', ') || undefined
  return {
    name: column.name,
    type: typeIn(mode, column, found, last),
    metadata: shown === undefined ? metadata : { ...metadata, published_type: shown },
  }
}

function typeIn(
  mode: AdoptionRecord['mode'],
  column: Column,
  found: readonly string[] | undefined,
  last: LastAdoption,
): ColumnType {
  if (mode === 'copy') return 'string'
  const now = found && ourTypeOf(found[0] ?? '')
  return now ?? (last.record?.mode === 'register' ? column.type : 'string') // a column that no file has any more
}

function shapeOfTable(columns: readonly Column[]): string {
  return JSON.stringify(columns.map(({ name, type }) => [name, type]))
}
