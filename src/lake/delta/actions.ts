import { z } from 'zod'
import type { Column, ColumnType } from '../../contracts/columns.js'
import { WardbookError } from '../../kernel/errors.js'

const Strings = z.record(z.string(), z.string().nullable())

const Protocol = z.looseObject({
  minReaderVersion: z.int(),
  minWriterVersion: z.int(),
  readerFeatures: z.array(z.string()).optional(),
  writerFeatures: z.array(z.string()).optional(),
})

const MetaData = z.looseObject({
  id: z.string(),
  name: z.string().optional(),
  format: z.looseObject({ provider: z.string() }),
  schemaString: z.string(),
  partitionColumns: z.array(z.string()),
  configuration: z.record(z.string(), z.string()).default({}),
  createdTime: z.number().optional(),
})

const Add = z.looseObject({
  path: z.string(),
  partitionValues: Strings,
  size: z.number(),
  modificationTime: z.number(),
  dataChange: z.boolean(),
  stats: z.string().optional(),
  tags: Strings.nullish(),
  deletionVector: z.unknown().optional(),
})

const Remove = z.looseObject({
  path: z.string(),
  deletionTimestamp: z.number().optional(),
  dataChange: z.boolean(),
  extendedFileMetadata: z.boolean().optional(),
  partitionValues: Strings.nullish(),
  size: z.number().nullish(),
})

const Txn = z.looseObject({ appId: z.string(), version: z.number(), lastUpdated: z.number().optional() })

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

/** The newest protocol that we read and write; nothing above it is ever guessed at. */
export const READER_VERSION = 1
export const WRITER_VERSION = 2

/** One commit's text as actions. @throws WardbookError 'delta-log-broken' (fix-source) naming table, version and line */
export function parseCommit(text: string, table: string, version: number): Action[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  return lines.map((line, index) => {
    try {
      return Action.parse(JSON.parse(line))
    } catch (cause) {
      throw new WardbookError(
        'delta-log-broken',
        'fix-source',
        `${table}: commit ${version}, line ${index + 1} is no Delta action`,
        { table, version, line: index + 1 },
        { cause },
      )
    }
  })
}

/** Actions as the text of a commit: one JSON object a line. */
export function formatCommit(actions: readonly Action[]): string {
  return actions.map((action) => `${JSON.stringify(action)}\n`).join('')
}

/** @throws WardbookError 'delta-unsupported' (fix-source) when the table needs something that we do not read */
export function demandReadable(protocol: ProtocolAction, metaData: MetaDataAction, table: string): void {
  const reasons = [
    protocol.minReaderVersion > READER_VERSION && `reader version ${protocol.minReaderVersion}`,
    ...(protocol.readerFeatures ?? []).map((feature) => `feature ${feature}`),
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

const OUR_TYPES: readonly string[] = ['string', 'long', 'integer', 'double', 'boolean', 'date', 'timestamp']

/** Delta's schema text as columns. @throws WardbookError 'delta-unsupported' (fix-source) for a type that we do not read */
export function fromSchemaString(schemaString: string, table: string): Column[] {
  const { fields } = SchemaString.parse(JSON.parse(schemaString))
  return fields.map(({ name, type, metadata }) => {
    if (typeof type !== 'string' || !OUR_TYPES.includes(type)) {
      const shown = typeof type === 'string' ? type : JSON.stringify(type)
      throw new WardbookError(
        'delta-unsupported',
        'fix-source',
        `${table}: column ${name} has type ${shown}`,
        { table, name },
      )
    }
    return { name, type: type as ColumnType, metadata: stringsOf(metadata ?? {}) }
  })
}

function stringsOf(values: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, String(value)]))
}
