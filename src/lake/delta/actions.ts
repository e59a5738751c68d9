import { z } from 'zod'
import type { Column } from '../../contracts/columns.js'
import { WardbookError } from '../../kernel/errors.js'
import { type Field, isOurs, parseFieldType } from './types.js'

const Strings = z.record(z.string(), z.string().nullable())

/** Other writers say null where we leave a field out. */
const Path = z.string().refine(isUriEncoded, { error: 'a path is URI-encoded' })
const Stats = z.string().refine(isJson, { error: 'statistics are JSON' })

const Protocol = z.looseObject({
  minReaderVersion: z.int(),
  minWriterVersion: z.int(),
  readerFeatures: z.array(z.string()).optional(),
  writerFeatures: z.array(z.string()).optional(),
})

const MetaData = z.looseObject({
  id: z.string(),
  name: z.string().nullish(),
  format: z.looseObject({ provider: z.string() }),
  schemaString: z.string().default(''), // absent: told as no schema, after gaps in the log
  partitionColumns: z.array(z.string()),
  configuration: z.record(z.string(), z.string()).default({}),
  createdTime: z.number().nullish(),
})

const Add = z.looseObject({
  path: Path,
  partitionValues: Strings,
  size: z.number(),
  modificationTime: z.number(),
  dataChange: z.boolean(),
  stats: Stats.nullish(),
  tags: Strings.nullish(),
  deletionVector: z.unknown().optional(),
})

const Remove = z.looseObject({
  path: Path,
  deletionTimestamp: z.number().nullish(),
  dataChange: z.boolean(),
  extendedFileMetadata: z.boolean().nullish(),
  partitionValues: Strings.nullish(),
  size: z.number().nullish(),
})

const Txn = z.looseObject({ appId: z.string(), version: z.number(), lastUpdated: z.number().nullish() })

const Action = z.looseObject({
  protocol: Protocol.optional(),
  metaData: MetaData.optional(),
  add: Add.optional(),
  remove: Remove.optional(),
  txn: Txn.optional(),
  commitInfo: z.record(z.string(), z.unknown()).optional(),
})

export type Action = z.infer<typeof Action>
export type AddAction = z.infer<typeof Add>
export type MetaDataAction = z.infer<typeof MetaData>
export type ProtocolAction = z.infer<typeof Protocol>
export type RemoveAction = z.infer<typeof Remove>
export type TxnAction = z.infer<typeof Txn>

/** The newest protocol that we read and write; nothing above it is ever guessed at. */
export const READER_VERSION = 1
export const WRITER_VERSION = 2
/** Features that ask nothing of us but a type that we read. */
const READABLE_FEATURES: readonly string[] = ['timestampNtz']
/** The reader version from which a table names each thing it needs. */
const FEATURES_READER_VERSION = 3

/** One commit's text as actions. @throws WardbookError 'delta-log-broken' (fix-source) naming table, version and line */
export function parseCommit(text: string, table: string, version: number): Action[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  return lines.map((line, index) =>
    parseAction(() => JSON.parse(line), table, `commit ${version}`, index + 1, { version }),
  )
}

/**
 * One action.
 * @param read  gives it as parsed JSON, and may throw
 * @param where file of the log, for the error
 * @param line  its line there, from 1
 * @throws WardbookError 'delta-log-broken' (fix-source)
 */
export function parseAction(
  read: () => unknown,
  table: string,
  where: string,
  line: number,
  facts: Readonly<Record<string, unknown>> = {},
): Action {
  try {
    const value = read()
    return isPlainAdd(value) ? value : Action.parse(value)
  } catch (cause) {
    const message = `${table}: ${where}, line ${line} is no Delta action`
    throw new WardbookError('delta-log-broken', 'fix-source', message, { table, line, ...facts }, { cause })
  }
}

/**
 * True for an `add` alone that has what {@link Add} demands: nine of ten lines of a log, which are read three times as fast so. What this does not
 * know, the schema decides.
 */
function isPlainAdd(value: unknown): value is Action & { add: AddAction } {
  if (!isObject(value) || !isObject(value.add) || Object.keys(value).length !== 1) return false
  const { path, partitionValues, size, modificationTime, dataChange, stats, tags } = value.add
  return (
    typeof path === 'string' &&
    isUriEncoded(path) &&
    isStrings(partitionValues) &&
    Number.isFinite(size) &&
    Number.isFinite(modificationTime) &&
    typeof dataChange === 'boolean' &&
    (stats == null || (typeof stats === 'string' && isJson(stats))) &&
    (tags == null || isStrings(tags))
  )
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isStrings(value: unknown): boolean {
  if (!isObject(value)) return false
  for (const name of Object.keys(value))
    if (typeof value[name] !== 'string' && value[name] !== null) return false
  return true
}

/** Actions as the text of a commit: one JSON object a line. */
export function formatCommit(actions: readonly Action[]): string {
  return actions.map((action) => `${JSON.stringify(action)}\n`).join('')
}

/**
 * Reader version 3 with no feature, or with a type that we read, is version 1 under another name: it asks nothing more of a reader.
 * @throws WardbookError 'delta-unsupported' (fix-source) when the table needs something that we do not read
 */
export function demandReadable(protocol: ProtocolAction, metaData: MetaDataAction, table: string): void {
  const { minReaderVersion, readerFeatures } = protocol
  const listsFeatures = minReaderVersion === FEATURES_READER_VERSION && readerFeatures !== undefined
  const reasons = [
    minReaderVersion > READER_VERSION && !listsFeatures && `reader version ${minReaderVersion}`,
    ...(readerFeatures ?? []).filter((name) => !READABLE_FEATURES.includes(name)).map(namedFeature),
    metaData.format.provider !== 'parquet' && `format ${metaData.format.provider}`,
    isColumnMapped(metaData) && 'column mapping',
  ].filter((reason) => typeof reason === 'string')
  if (reasons.length === 0) return
  throw new WardbookError(
    'delta-unsupported',
    'fix-source',
    `${table} needs ${reasons.join(', ')}; wardbook reads Delta tables of reader version ${READER_VERSION}`,
    { table, reasons },
  )
}

/** @throws WardbookError 'delta-unsupported' (fix-source) when the table asks something of its writers that we do not do */
export function demandWritable(
  protocol: ProtocolAction,
  metaData: MetaDataAction,
  removesFiles: boolean,
  table: string,
): void {
  const reasons = [
    protocol.minWriterVersion > WRITER_VERSION && `writer version ${protocol.minWriterVersion}`,
    removesFiles && metaData.configuration['delta.appendOnly'] === 'true' && 'delta.appendOnly',
    metaData.schemaString.includes('"delta.invariants"') && 'delta.invariants',
    ...fromSchemaString(metaData.schemaString, table)
      .filter((field) => !isOurs(field))
      .map(({ name }) => `column ${name} of a type that is only read`),
  ].filter((reason) => typeof reason === 'string')
  if (reasons.length === 0) return
  throw new WardbookError(
    'delta-unsupported',
    'fix-source',
    `${table} asks its writers for ${reasons.join(', ')}; wardbook writes Delta tables of writer version ${WRITER_VERSION}`,
    { table, reasons },
  )
}

function namedFeature(feature: string): string {
  return feature === 'v2Checkpoint' ? 'v2 checkpoints (feature v2Checkpoint)' : `feature ${feature}`
}

function isColumnMapped(metaData: MetaDataAction): boolean {
  return (metaData.configuration['delta.columnMapping.mode'] ?? 'none') !== 'none'
}

const SchemaString = z.looseObject({
  type: z.literal('struct'),
  fields: z.array(
    z.looseObject({
      name: z.string(),
      type: z.unknown(),
      metadata: z.record(z.string(), z.unknown()).optional(),
    }),
  ),
})

/** Columns as Delta's schema text: a struct whose fields may all be null. */
export function toSchemaString(columns: readonly Column[]): string {
  const fields = columns.map(({ name, type, metadata }) => ({
    name,
    type,
    nullable: true,
    metadata: metadata ?? {},
  }))
  return JSON.stringify({ type: 'struct', fields })
}

/**
 * Delta's schema text as fields.
 * @throws WardbookError 'delta-unsupported' (fix-source) for a type that we do not read; 'delta-log-broken' when it is no schema
 */
export function fromSchemaString(schemaString: string, table: string): Field[] {
  const { fields } = parseSchemaString(schemaString, table)
  return fields.map(({ name, type, metadata }) => {
    const known = parseFieldType(type)
    if (known !== undefined) return { name, type: known, metadata: stringsOf(metadata ?? {}) }
    const message = `${table}: column ${name} has type ${shownType(type)}`
    throw new WardbookError('delta-unsupported', 'fix-source', message, { table, name })
  })
}

function shownType(type: unknown): string {
  return typeof type === 'string' ? type : JSON.stringify(type)
}

function parseSchemaString(schemaString: string, table: string): z.infer<typeof SchemaString> {
  try {
    return SchemaString.parse(JSON.parse(schemaString))
  } catch (cause) {
    throw new WardbookError(
      'delta-log-broken',
      'fix-source',
      `${table}: the schema in the log is no Delta schema`,
      { table, schemaString: schemaString.slice(0, 2_000) },
      { cause },
    )
  }
}

function isUriEncoded(path: string): boolean {
  if (!path.includes('%')) return path !== ''
  try {
    return decodeURIComponent(path) !== ''
  } catch {
    return false
  }
}

function isJson(text: string): boolean {
  try {
    return typeof JSON.parse(text) === 'object'
  } catch {
    return false
  }
}

function stringsOf(values: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, String(value)]))
}
