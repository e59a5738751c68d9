import type { PortalTable } from '../portal-table.js'

/** A resource of a package: a table with a datastore, a file, or both. */
export interface CkanResource {
  readonly table: PortalTable
  /** Default true: the table can be asked for through the interface. */
  readonly datastore?: boolean
  /** Whether the loader says that the datastore holds all rows of the file; default: it says nothing. */
  readonly holdsAll?: boolean
  /** The uploaded file; default: the table as CSV. */
  readonly file?: string | Uint8Array
  /** Address of the file where it lies elsewhere, or with a name of its own; default: an upload. */
  readonly url?: string
  /** `datastore`: made through the interface, without a file. */
  readonly urlType?: 'upload' | 'datastore' | 'link'
  readonly format?: string
  /** Not for everybody. */
  readonly private?: boolean
}

export interface CkanPackage {
  readonly id: string
  /** Short name, part of addresses. */
  readonly name: string
  readonly title: string
  readonly resources: readonly CkanResource[]
}

/** What `package_show` says. @param base address of the portal */
export function packageOf(one: CkanPackage, base: string) {
  const changed = Math.max(0, ...one.resources.map(({ table }) => table.updatedAt))
  return {
    id: one.id,
    name: one.name,
    title: one.title,
    notes: '',
    license_id: 'odc-pddl',
    license_title: 'Open Data Commons Public Domain Dedication and License (PDDL)',
    metadata_modified: writtenAt(changed),
    num_resources: one.resources.length,
    private: false,
    state: 'active',
    type: 'dataset',
    resources: one.resources.map((resource) => resourceOf(one, resource, base)),
  }
}

/** What `resource_show` says. */
export function resourceOf(one: CkanPackage, resource: CkanResource, base: string) {
  const { table, datastore = true, urlType = 'upload', url, holdsAll } = resource
  const upload = `${base}/dataset/${one.id}/resource/${table.id}/download/${table.id}.csv`
  const changed = urlType === 'datastore' ? null : writtenAt(table.updatedAt)
  return {
    id: table.id,
    package_id: one.id,
    name: table.name,
    description: table.description ?? '',
    format: resource.format ?? 'CSV',
    url: urlType === 'datastore' ? `${base}/datastore/dump/${table.id}` : (url ?? upload),
    url_type: urlType === 'link' ? null : urlType,
    created: '2020-01-01T00:00:00.000000',
    last_modified: changed,
    metadata_modified: changed,
    hash: '',
    size: null,
    state: 'active',
    datastore_active: datastore,
    ...(holdsAll === undefined ? {} : { datastore_contains_all_records_of_source_file: holdsAll }),
  }
}

/** An instant as CKAN writes it: UTC, microseconds, no zone. */
function writtenAt(at: number): string {
  return new Date(at).toISOString().replace('Z', '000')
}
