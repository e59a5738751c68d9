import { type PortalCell, type PortalTable, type PortalType, rowsOf } from '../portal-table.js'
import { CkanRefusal } from './refusal.js'

/** PostgreSQL's words for the types. */
const TYPES: Readonly<Record<PortalType, string>> = {
  text: 'text',
  number: 'numeric',
  boolean: 'bool',
  date: 'timestamp',
  json: 'json',
}

const DEFAULT_LIMIT = 100

export interface Field {
  readonly id: string
  readonly type: string
  readonly info?: { readonly label: string }
}

/** What a request to `datastore_search` comes to. */
export interface DatastoreSearch {
  readonly id: string
  readonly fields: readonly Field[]
  readonly from: number
  readonly offset: number
  readonly limit: number
  readonly asLists: boolean
  readonly includeTotal: boolean
  readonly nextPage: boolean
}

/** The fields of a table, `_id` first, or those asked for in the order asked for. @throws CkanRefusal 409 for a field that is not there */
export function fieldsOf(table: PortalTable, asked: readonly string[] | undefined): readonly Field[] {
  const all: Field[] = [
    { id: '_id', type: 'int' },
    ...table.columns.map(({ name, type, label }) => ({
      id: name,
      type: TYPES[type],
      ...(label === undefined ? {} : { info: { label } }),
    })),
  ]
  if (asked === undefined) return all
  return asked.map((name) => {
    const field = all.find(({ id }) => id === name)
    if (field !== undefined) return field
    throw new CkanRefusal(409, { fields: [`field "${name}" not in table`], __type: 'Validation Error' })
  })
}

/** Position of a field's cells; -1 for `_id`. */
export function indexOfId(table: PortalTable, id: string): number {
  return table.columns.findIndex(({ name }) => name === id)
}

/** Reads the parameters of a search. @throws CkanRefusal 409 for one that is not allowed */
export function searchOf(
  table: PortalTable,
  parameters: Readonly<Record<string, unknown>>,
  rowsMax: number,
  knows: { readonly nextPage?: boolean; readonly lists?: boolean },
): DatastoreSearch {
  const limit = Math.min(wholeNumber('limit', parameters.limit, DEFAULT_LIMIT), rowsMax)
  const offset = wholeNumber('offset', parameters.offset, 0)
  const asked = parameters.fields
  const names = Array.isArray(asked)
    ? asked.map(String)
    : asked === undefined
      ? undefined
      : String(asked).split(',')
  return {
    id: table.id,
    fields: fieldsOf(table, names),
    from: offset + behindId(parameters.filters, knows.nextPage ?? false),
    offset,
    limit,
    asLists: (knows.lists ?? true) && parameters.records_format === 'lists',
    includeTotal: String(parameters.include_total ?? true) !== 'false',
    nextPage: (knows.nextPage ?? false) && String(parameters.include_next_page) === 'true',
  }
}

function wholeNumber(name: string, value: unknown, standard: number): number {
  const number = value === undefined ? standard : Number(value)
  if (Number.isSafeInteger(number) && number >= 0) return number
  throw new CkanRefusal(409, { [name]: ['Must be a natural number'], __type: 'Validation Error' })
}

/** Rows that a filter `{"_id":{"gt":n}}` leaves behind. */
function behindId(filters: unknown, known: boolean): number {
  if (filters === undefined) return 0
  const parsed = (typeof filters === 'string' ? JSON.parse(filters) : filters) as { _id?: { gt?: number } }
  const behind = parsed._id?.gt
  if (known && behind !== undefined) return behind
  throw new CkanRefusal(409, { filters: ['filter not understood'], __type: 'Validation Error' })
}

/** The answer to a search, a row at a time. Rows are spliced in as text, as CKAN lets PostgreSQL write them: numbers keep their form. */
export function* searchBody(table: PortalTable, search: DatastoreSearch, help: string): Iterable<string> {
  const { fields, from, offset, limit, asLists, includeTotal } = search
  const before = {
    include_total: includeTotal,
    limit,
    ...(offset > 0 ? { offset } : {}),
    records_format: asLists ? 'lists' : 'objects',
    resource_id: search.id,
  }
  yield `{"help": ${JSON.stringify(help)}, "success": true, "result": ${JSON.stringify(before).slice(0, -1)}, "records": [`
  const indexes = fields.map(({ id }) => indexOfId(table, id))
  let comma = ''
  for (const { id: number, cells } of rowsOf(table, from, from + limit)) {
    const values = indexes.map((at) => jsonOf(table, at, at < 0 ? String(number + 1) : (cells[at] ?? null)))
    yield `${comma}${asLists ? `[${values.join(',')}]` : objectOf(fields, values)}`
    comma = ','
  }
  const last = Math.min(from + limit, table.rowCount)
  const hasNext = search.nextPage && last < table.rowCount && limit > 0
  const after = {
    fields,
    _links: { start: '/api/3/action/datastore_search' },
    ...(includeTotal ? { total: table.rowCount, total_was_estimated: false } : {}),
    ...(hasNext ? { next_page: { _id: { gt: last } } } : {}),
  }
  yield `], ${JSON.stringify(after).slice(1)}}`
}

function objectOf(fields: readonly Field[], values: readonly string[]): string {
  return `{${fields.map(({ id }, at) => `${JSON.stringify(id)}:${values[at]}`).join(',')}}`
}

/** Only texts and dates are in quotes. */
function jsonOf(table: PortalTable, at: number, cell: PortalCell): string {
  if (cell === null) return 'null'
  const type = at < 0 ? 'number' : table.columns[at]?.type
  return type === 'text' || type === 'date' ? JSON.stringify(cell) : cell
}
