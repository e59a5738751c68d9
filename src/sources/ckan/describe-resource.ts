import type { CkanSourceConfig } from '../../contracts/sources/ckan.js'
import { WardbookError } from '../../kernel/errors.js'
import { digestOf, type Json } from '../../kernel/ids.js'
import { changeTokenOf, instantOf as httpInstantOf } from '../files/change-token.js'
import type { Offer, PublishedColumn } from '../source.js'
import type { CkanApi } from './api.js'
import { Datastore, hasFile, instantOf, type Resource } from './resource.js'
import { type CkanPlan, fitsAddress } from './walk.js'

/**
 * Columns that CKAN adds to a table. `_id` counts the rows of one load: a reload renumbers them all, so it orders a read and is no
 * identity. Kept, it would make every row look changed; in pages it shows whether one is in two of them.
 */
const LOAD_ID = '_id'
const OWN_FIELDS = [LOAD_ID, '_full_text']

/**
 * Describes a resource, and decides how it is read: `auto` takes the datastore where it holds all rows, else the file.
 * @param license of the package, where it is known
 * @throws WardbookError 'datastore-inactive' (fix-config) when the settings want a datastore that is not there: that is not zero rows;
 *   'source-not-found' (fix-source) when there is neither datastore nor file; the errors of an action
 */
export async function describeResource(
  api: CkanApi,
  resource: Resource,
  config: CkanSourceConfig,
  license: Json | undefined,
): Promise<Offer> {
  const store = config.read === 'file' ? undefined : await datastoreOf(api, resource, config)
  const facts = { ...factsOf(resource), ...(license === undefined ? {} : { license }) }
  if (store === undefined) return describeFile(api, resource, facts)
  const columns = columnsOf(store)
  const rows = store.total_was_estimated === true ? undefined : (store.total ?? undefined)
  const plan = planOf(api.portal, resource.id, store, columns, config)
  return {
    name: `${api.portal}/datastore/dump/${resource.id}`,
    changeToken: storeToken(resource, store),
    publishedAt: publishedAtOf(resource),
    rows,
    columns,
    ...(plan.read === 'pages' ? { key: { column: LOAD_ID, hidden: true } } : {}),
    plan: plan as unknown as Json,
    facts: { ...facts, ...(store.total_was_estimated === true ? { totalWasEstimated: true } : {}) },
  }
}

/** The datastore, or undefined where the file is to be read instead. */
async function datastoreOf(
  api: CkanApi,
  resource: Resource,
  { read }: CkanSourceConfig,
): Promise<Datastore | undefined> {
  const isAuto = read === 'auto'
  if (isAuto && hasFile(resource) && isPartial(resource)) return undefined
  if (resource.datastore_active === false) {
    if (isAuto) return undefined
    throw inactive(resource)
  }
  const store = await searchNothing(api, resource.id).catch((thrown: unknown) => {
    if (!(thrown instanceof WardbookError) || !saysNoDatastore(thrown)) throw thrown
    if (isAuto && hasFile(resource)) return undefined
    throw inactive(resource, thrown)
  })
  // A table without rows beside a file is a load that failed or never ran (Boston's files of 2011 to 2014).
  return isAuto && store?.total === 0 && hasFile(resource) ? undefined : store
}

/** The table is not there, or the portal runs without the extension. */
function saysNoDatastore({ code, facts }: WardbookError): boolean {
  return code === 'source-not-found' || /Action name not known/.test(String(facts.portalMessage))
}

/** Loaders say so when they took a part of the file only. */
function isPartial(resource: Resource): boolean {
  return resource.datastore_contains_all_records_of_source_file === false
}

/** What the datastore says around no rows: fields, count, and whether it can give rows as lists. */
function searchNothing(api: CkanApi, id: string): Promise<Datastore> {
  const parameters = { resource_id: id, limit: '0', include_total: 'true', records_format: 'lists' }
  return api.action('datastore_search', parameters, Datastore)
}

function inactive(resource: Resource, cause?: WardbookError): WardbookError {
  const next = hasFile(resource) ? 'set read: file' : 'the portal has no file of it either'
  const message = `${resource.id} "${resource.name ?? ''}" has no datastore, which is not the same as no rows; ${next}`
  return new WardbookError('datastore-inactive', 'fix-config', message, { id: resource.id }, { cause })
}

function columnsOf(store: Datastore): readonly PublishedColumn[] {
  return store.fields
    .filter(({ id }) => !OWN_FIELDS.includes(id))
    .map(({ id, type, info }) => ({
      name: id,
      type: info?.type_override || type,
      ...(info?.label ? { label: info.label } : {}),
    }))
}

function planOf(
  portal: string,
  id: string,
  store: Datastore,
  columns: readonly PublishedColumn[],
  { read, pageRows }: CkanSourceConfig,
): CkanPlan {
  const fields = columns.map(({ name }) => name)
  if (read !== 'pages' && fitsAddress(fields)) return { read: 'dump', portal, id }
  const cells = store.records_format === 'lists' ? 'list' : 'object'
  return { read: 'pages', portal, id, pageRows, cells }
}

/**
 * Changes with every sign of change that CKAN gives. None of them is sure: a table that is filled through the API gives none at all, so it
 * has no token and is read each time.
 */
function storeToken(resource: Resource, store: Datastore): string | undefined {
  if (!hasFile(resource)) return undefined
  const fields = store.fields.map(({ id, type }) => [id, type])
  return tokenOf(resource, { fields, total: store.total ?? null })
}

function tokenOf(resource: Resource, more: Record<string, Json>): string | undefined {
  const { last_modified, metadata_modified, hash, size, url } = resource
  if (!last_modified && !metadata_modified && !hash) return undefined
  const signs = { last_modified, metadata_modified, hash, size: size ?? null, url }
  return digestOf({ ...more, ...signs })
}

function publishedAtOf({ last_modified, metadata_modified, created }: Resource): string | undefined {
  return instantOf(last_modified) ?? instantOf(metadata_modified) ?? instantOf(created)
}

async function describeFile(api: CkanApi, resource: Resource, facts: Record<string, Json>): Promise<Offer> {
  if (!hasFile(resource)) throw inactive(resource)
  const url = new URL(resource.url as string, `${api.portal}/`).href // blanks become %20
  const headers = await headersOf(api, url)
  return {
    name: `${api.portal}/resource/${resource.id}`,
    changeToken: fileToken(resource, changeTokenOf(headers)),
    publishedAt: httpInstantOf(headers.get('last-modified')) ?? publishedAtOf(resource),
    rows: undefined,
    columns: undefined,
    plan: { read: 'file', url },
    facts: { ...facts, url },
  }
}

/**
 * A link points to another host, whose own headers are the only sign; for an upload CKAN's signs count as well.
 * @param served what the headers of the file tell
 */
function fileToken(resource: Resource, served: string | undefined): string | undefined {
  if (served !== undefined) return tokenOf(resource, { served }) ?? digestOf({ served })
  return resource.url_type === 'upload' ? tokenOf(resource, {}) : undefined
}

/** Asks for the first byte, as HEAD is often refused; an empty file has none (416). The body is not read. */
async function headersOf(api: CkanApi, url: string): Promise<Headers> {
  const answer = await api.send({ url, headers: { range: 'bytes=0-0' }, accept: [416] })
  await answer.discard()
  return answer.headers
}

function factsOf(resource: Resource): Record<string, Json> {
  const { id, name, format, url_type, package_id, datastore_contains_all_records_of_source_file } = resource
  const facts = {
    ...{ id, title: name ?? null, format: format ?? null, urlType: url_type ?? null },
    package: package_id ?? null,
    holdsAllRowsOfFile: datastore_contains_all_records_of_source_file ?? null,
  }
  return Object.fromEntries(Object.entries(facts).filter(([, fact]) => fact !== null && fact !== ''))
}
