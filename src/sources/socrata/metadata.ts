import { z } from 'zod'
import { WardbookError } from '../../kernel/errors.js'
import { digestOf, type Json } from '../../kernel/ids.js'
import { unusable } from '../http/read-json.js'
import type { PublishedColumn } from '../source.js'

const Column = z.object({
  id: z.number().optional(),
  name: z.string().default(''),
  fieldName: z.string(),
  dataTypeName: z.string().default('text'),
  position: z.number().default(0),
  flags: z.array(z.string()).default([]),
  /** What the portal counted at some time; numbers come as text. */
  cachedContents: z
    .object({ non_null: z.coerce.number().nonnegative(), null: z.coerce.number().nonnegative().default(0) })
    .optional()
    .catch(undefined),
})

/** What of `/api/views/<id>.json` decides how a table is read; everything else is left out. Times are seconds since 1970. */
const View = z.object({
  id: z.string(),
  name: z.string().default(''),
  description: z.string().nullish(),
  assetType: z.string().nullish(),
  viewType: z.string().nullish(),
  displayType: z.string().nullish(),
  blobId: z.string().nullish(),
  newBackend: z.boolean().nullish(),
  rowsUpdatedAt: z.number().nullish(),
  viewLastModified: z.number().nullish(),
  rowIdentifierColumnId: z.number().nullish(),
  modifyingViewUid: z.string().nullish(),
  childViews: z.array(z.string()).nullish(),
  licenseId: z.string().nullish(),
  license: z.object({ name: z.string().nullish() }).nullish(),
  attribution: z.string().nullish(),
  query: z.looseObject({ groupBys: z.array(z.unknown()).nullish() }).nullish(),
  queryString: z.string().nullish(),
  columns: z.array(Column).default([]),
})
export type View = z.infer<typeof View>

/**
 * Reads what a portal says of a table.
 * @param url of the answer, for errors
 * @throws WardbookError 'portal-answer-unusable' (fix-source) when it is no description of a Socrata asset
 */
export function parseView(answer: unknown, url: string): View {
  const read = View.safeParse(answer)
  if (read.success) return read.data
  const issues = z.prettifyError(read.error)
  throw unusable(url, `does not describe a Socrata table: ${issues}`, { remedy: 'fix-source' })
}

/**
 * Refuses what has no rows to read: files, stories, links, maps drawn from other tables. A filtered view, and a map or chart that is
 * drawn from its own rows, is a table.
 * @throws WardbookError 'source-no-table' (fix-config) saying what it is and, if the portal tells, whose rows it shows
 */
export function demandTable(view: View): void {
  if (view.blobId == null && columnsOf(view).length > 0 && (view.viewType ?? 'tabular') === 'tabular') return
  const kind = kindOf(view)
  const shown = view.childViews?.length ? `; it shows ${view.childViews.join(', ')}: name that one` : ''
  const message = `${view.id} "${view.name}" is a ${kind}, not a table${shown}`
  throw new WardbookError('source-no-table', 'fix-config', message, {
    id: view.id,
    kind,
    childViews: view.childViews ?? [],
  })
}

function kindOf(view: View): string {
  if (view.blobId != null) return 'file'
  return view.assetType ?? view.displayType ?? view.viewType ?? 'thing without columns'
}

/**
 * Columns in the publisher's order, by field name: rows never tell them, as a null is a missing key.
 * Left out are the portal's own: system columns (`:id`, `:updated_at`), which a full reload rewrites for every row, regions that it computes
 * from points (`:@computed_region_…`), and columns that the publisher hides, which no request answers.
 */
export function columnsOf(view: View): readonly PublishedColumn[] {
  return [...view.columns]
    .filter(({ fieldName, flags, dataTypeName }) => {
      return !fieldName.startsWith(':') && !flags.includes('hidden') && dataTypeName !== 'meta_data'
    })
    .sort((one, other) => one.position - other.position)
    .map(({ fieldName, name, dataTypeName, cachedContents }) => ({
      name: fieldName,
      type: dataTypeName,
      ...(name === '' || name === fieldName ? {} : { label: name }),
      ...filledOf(cachedContents),
    }))
}

function filledOf(cached: z.infer<typeof Column>['cachedContents']): { filled?: number } {
  const rows = (cached?.non_null ?? 0) + (cached?.null ?? 0)
  return cached === undefined || rows === 0 ? {} : { filled: cached.non_null / rows }
}

/**
 * A sign that changes whenever rows or columns may have: the times of the last change, and the names and types of the columns.
 * @returns undefined when the portal gives no time of the last change of rows
 */
export function changeTokenOf(view: View): string | undefined {
  if (view.rowsUpdatedAt == null) return undefined
  const columns = columnsOf(view).map(({ name, type = '', label = '' }) => [name, type, label])
  const { rowsUpdatedAt, viewLastModified } = view
  return digestOf({ rowsUpdatedAt, viewLastModified: viewLastModified ?? null, columns })
}

/**
 * What orders the rows for good: `:id`, which every table has. A view of groups has no row ids; its columns together are unique.
 */
export function orderOf(view: View): readonly string[] {
  const isGrouped = (view.query?.groupBys?.length ?? 0) > 0 || /\bgroup\s+by\b/i.test(view.queryString ?? '')
  return isGrouped ? columnsOf(view).map(({ name }) => name) : [':id']
}

/**
 * Whether `:updated_at` dates every change of what a row shows. It does so in a table of its own; a view shows rows of another one, which
 * come, go and change without being dated in it.
 */
export function datesItsRows({ query, queryString, modifyingViewUid }: View): boolean {
  return Object.keys(query ?? {}).length === 0 && !queryString && !modifyingViewUid
}

/** When rows last changed, ISO 8601 UTC. */
export function publishedAtOf(view: View): string | undefined {
  const seconds = view.rowsUpdatedAt ?? view.viewLastModified
  return seconds == null ? undefined : new Date(seconds * 1_000).toISOString()
}

/** What is worth keeping in the record of a run. */
export function factsOf(view: View): Record<string, Json> {
  const key = view.columns.find(({ id }) => id !== undefined && id === view.rowIdentifierColumnId)
  return withoutNulls({
    id: view.id,
    title: view.name,
    license: view.license?.name ?? view.licenseId ?? null,
    attribution: view.attribution ?? null,
    keyColumn: key?.fieldName ?? null,
    newBackend: view.newBackend ?? null,
    parent: view.modifyingViewUid ?? null,
    filtered: Object.keys(view.query ?? {}).length > 0 ? true : null,
    computedRegions: view.columns.filter(({ fieldName }) => fieldName.startsWith(':@')).length || null,
  })
}

function withoutNulls(facts: Record<string, Json>): Record<string, Json> {
  return Object.fromEntries(Object.entries(facts).filter(([, fact]) => fact !== null))
}
