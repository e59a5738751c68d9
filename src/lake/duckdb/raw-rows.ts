import { z } from 'zod'
import { ROW_HASH, SOURCE_PAGE } from '../../contracts/columns.js'
import { WardbookError } from '../../kernel/errors.js'
import type { LiveFile } from '../delta/snapshot.js'
import { sha256OfFile } from '../parts.js'
import type { Engine } from './engine.js'
import { rowHashSql } from './row-hash.js'
import { identifier, literal } from './sql.js'
import { textCellSql } from './text-cell.js'

/** What a registered file lacks, kept in the tag of its `add`. */
const Registered = z.strictObject({
  /** Its number within the source: `_source_page` of its rows. */
  page: z.int(),
  /** Table columns whose value stands in the file's path, as published. */
  folder: z.record(z.string(), z.string().nullable()),
})
export type Registered = z.infer<typeof Registered>

/** Tag of files that the table names and somebody else wrote. */
export const REGISTERED_TAG = 'registered'

/** A live file of a raw table, as a worker is to read it. */
export interface RawPart {
  /** Object in the lake. */
  readonly object: string
  readonly sha256: string
  readonly registered?: Registered
}

/** @param root the raw table */
export function rawPartOf(root: string, { key, tags }: LiveFile): RawPart {
  const tag = tags[REGISTERED_TAG]
  const part = { object: `${root}/${key}`, sha256: tags.sha256 ?? '' }
  return tag ? { ...part, registered: Registered.parse(JSON.parse(tag)) } : part
}

/** The tag that marks a registered file. */
export function registeredTag(registered: Registered): Readonly<Record<string, string>> {
  return { [REGISTERED_TAG]: JSON.stringify(registered) }
}

/**
 * The rows of a raw part in one form, whoever wrote the file: the publisher's columns as text, `_row_hash`, `_source_page` and
 * `file_row_number`. A registered file has its own types and no such columns of ours: they are made here, and nowhere else.
 * @param file    local file with the part's bytes
 * @param columns the table's columns of the publisher
 * @returns a SELECT
 * @throws WardbookError 'registered-file-changed' (fix-source) when a registered file is not the one that the table knows
 */
export async function rawRowsSql(
  engine: Engine,
  file: string,
  part: RawPart,
  columns: readonly string[],
): Promise<string> {
  if (part.registered !== undefined) await demandSameFile(file, part)
  const from = `read_parquet(${literal(file)}, hive_partitioning = false, file_row_number = true)`
  const types = await typesOf(engine, from)
  const { folder, page } = part.registered ?? { folder: {}, page: 0 }
  const present = new Set(columns.filter((name) => types.has(name) || folder[name] !== undefined))
  const cellOf = (name: string) => textOf(name, types, folder)
  const cells = columns.map((name) => `${cellOf(name)} AS ${identifier(name)}`)
  const made =
    part.registered === undefined
      ? [ROW_HASH, SOURCE_PAGE]
      : [`${rowHashSql(columns, present, cellOf)} AS ${ROW_HASH}`, `${page}::INTEGER AS ${SOURCE_PAGE}`]
  return `SELECT ${[...cells, ...made, 'file_row_number'].join(', ')} FROM ${from}`
}

async function typesOf(engine: Engine, from: string): Promise<Map<string, string>> {
  const described = await engine.rows<{ column_name: string; column_type: string }>(
    `DESCRIBE SELECT * FROM ${from}`,
  )
  return new Map(described.map(({ column_name, column_type }) => [column_name, column_type]))
}

/** A column's text: from the path, else from the file, else none. */
function textOf(name: string, types: ReadonlyMap<string, string>, folder: Registered['folder']): string {
  const published = folder[name]
  if (published !== undefined) return published === null ? 'NULL::VARCHAR' : literal(published)
  const type = types.get(name)
  return type === undefined ? 'NULL::VARCHAR' : textCellSql(identifier(name), type)
}

async function demandSameFile(file: string, { object, sha256 }: RawPart): Promise<void> {
  const found = await sha256OfFile(file)
  if (found === sha256) return
  throw new WardbookError(
    'registered-file-changed',
    'fix-source',
    `${object} has changed since it was registered (SHA-256 ${found}, not ${sha256}): run wardbook lake adopt`,
    { object, found, registered: sha256 },
  )
}
