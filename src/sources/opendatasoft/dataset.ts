import type { Json } from '../../kernel/ids.js'
import { listOf, memberOf, textOf, wholeNumber } from '../exact-json.js'
import type { PublishedColumn } from '../source.js'

/** What the catalog says of a dataset. */
export interface Dataset {
  readonly id: string
  readonly title: string
  readonly description: string | undefined
  readonly columns: readonly PublishedColumn[]
  /** Fields that identify a record, by the publisher's annotation; empty where there is none. */
  readonly key: readonly string[]
  /** Rows when the dataset was last processed. */
  readonly rows: number | undefined
  /** When rows last changed, ISO 8601 as sent. */
  readonly processedAt: string | undefined
  readonly modifiedAt: string | undefined
  readonly license: string | undefined
}

/** Reads a dataset's entry of Explore 2.1, or of 2.0, which wraps it. @returns undefined when it is none */
export function datasetOf(json: Json): Dataset | undefined {
  const entry = memberOf(json, 'dataset') ?? json
  const id = textOf(entry, 'dataset_id')
  if (id === undefined) return undefined
  const meta = (name: string) => textOf(entry, 'metas', 'default', name)
  const fields = listOf(entry, 'fields')
  const rows = wholeNumber(memberOf(entry, 'metas', 'default', 'records_count'))
  return {
    id,
    title: meta('title') ?? id,
    description: meta('description'),
    columns: fields.flatMap(columnOf),
    key: fields.filter(isKey).flatMap((field) => textOf(field, 'name') ?? []),
    rows: rows === undefined ? undefined : Number(rows),
    processedAt: meta('data_processed'),
    modifiedAt: meta('modified'),
    license: meta('license'),
  }
}

/** Rows at this moment, by the index that answers queries: `total_count` of a records answer. */
export function totalCountOf(json: Json): number | undefined {
  const count = wholeNumber(memberOf(json, 'total_count'))
  return count === undefined || count < 0n || !Array.isArray(memberOf(json, 'results'))
    ? undefined
    : Number(count)
}

/** An instant as ISO 8601 in UTC; undefined for what is none. */
export function instantOf(text: string | undefined): string | undefined {
  const ms = Date.parse(text ?? '')
  return Number.isNaN(ms) ? undefined : new Date(ms).toISOString()
}

function columnOf(field: Json): PublishedColumn[] {
  const [name, type, label] = [textOf(field, 'name'), textOf(field, 'type'), textOf(field, 'label')]
  if (name === undefined) return []
  return [
    {
      name,
      ...(type === undefined ? {} : { type }),
      ...(label === undefined || label === name ? {} : { label }),
    },
  ]
}

/** Annotations are an object in 2.1 and a list of names before. */
function isKey(field: Json): boolean {
  const said = memberOf(field, 'annotations', 'id')
  return (
    (said !== undefined && said !== false && said !== null) ||
    listOf(field, 'annotations').some((one) => textOf(one, 'name') === 'id')
  )
}
