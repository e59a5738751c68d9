import { Document, isScalar } from 'yaml'
import { FILL_IN } from '../../contracts/city-file.js'
import type { CatalogEntry } from '../catalog.js'
import type { Candidate } from './candidates.js'
import type { Estimate } from './estimate.js'

/** strptime forms in which each family's reads write their instants. */
const TIME_FORMATS: Partial<Record<CatalogEntry['family'], readonly string[]>> = {
  socrata: ['%Y-%m-%dT%H:%M:%S.%g', '%Y-%m-%dT%H:%M:%S'],
  ckan: ['%Y-%m-%dT%H:%M:%S', '%Y-%m-%d %H:%M:%S', '%Y-%m-%d'],
  arcgis: ['epoch-ms'],
  opendatasoft: ['%Y-%m-%dT%H:%M:%S%z', '%Y-%m-%d'],
}
const FALLBACK_FORMATS = ['%Y-%m-%d %H:%M:%S', '%Y-%m-%d']

/**
 * A block for the city file's `datasets`, with what was guessed said in comments. It is ready to be read once its guesses are checked;
 * where there was nothing to guess from, `???` stands with a comment on what belongs there: a city file with it is refused at that place.
 * @param portal the portal's address, as the source's settings take it
 */
export function cityBlock(candidate: Candidate, estimate: Estimate, portal: string): string {
  const { name, roles, updatedAt, entries } = candidate
  const slug = slugOf(name)
  const block = {
    [slug]: {
      name,
      kind: 'service-requests',
      partition: partitionOf(candidate),
      ...(roles.key === undefined ? {} : { key: roles.key }),
      sources: sourcesOf(candidate, portal),
      mapping: mappingOf(candidate),
    },
  }
  const rows = estimate.rows === undefined ? 'rows unknown' : `${estimate.rows.toLocaleString('en-US')} rows`
  const size =
    estimate.downloadBytes === undefined
      ? ''
      : `, about ${mib(estimate.downloadBytes)} MiB in ${estimate.parts} or more parts`
  const comments = [
    `${name}: ${rows}${size}; last changed ${updatedAt?.slice(0, 10) ?? 'unknown'}`,
    `${estimate.fitsCeiling ? 'passes' : 'does NOT pass'} the memory ceiling of ingestion${estimate.scratchBytes === undefined ? '' : `, with ${mib(estimate.scratchBytes)} MiB of disk`}`,
    ...entries.slice(-3).map(({ link }) => link),
    'guessed from names and types of columns: check division, times and category before you run it',
  ]
  const head = comments.map((line) => `# ${line.replaceAll('\n', ' ')}`).join('\n')
  return `${head}\n${withFillIns(block, candidate)}`
}

/** What each place wants that could not be guessed. */
const WANTED: Readonly<Record<string, string>> = {
  service_name: 'the column that says what a row is about; each of its values becomes a category',
}

function withFillIns(block: object, { columns }: Candidate): string {
  const document = new Document(block)
  for (const [slug, dataset] of Object.entries(block) as [string, { mapping: object }][]) {
    for (const [field, from] of Object.entries(dataset.mapping)) {
      const node = document.getIn([slug, 'mapping', field], true)
      if (from !== FILL_IN || !isScalar(node)) continue
      const names = columns.map(({ name }) => name.replaceAll(/\s+/g, ' ')).join(', ')
      node.comment = ` FILL IN ${WANTED[field] ?? "the publisher's column"}. Columns: ${names}`
    }
  }
  return document.toString({ lineWidth: 110 })
}

function partitionOf({ roles }: Candidate): object {
  if (roles.division !== undefined) return { column: 'council_district', from: roles.division }
  return { column: 'council_district', by: 'point', point: roles.point }
}

/** One source, or one a service where ArcGIS has a service for each year. */
function sourcesOf(candidate: Candidate, portal: string): Record<string, object> {
  const { entries, years } = candidate
  const services = new Set(entries.map(({ id }) => serviceOf(id)))
  if (entries[0]?.family !== 'arcgis' || services.size === 1) return { portal: sourceOf(candidate, portal) }
  return Object.fromEntries(
    entries.map((entry, at) => [
      `y${years[at] ?? at}`,
      sourceOf({ ...candidate, entries: [entry], years: [] }, portal),
    ]),
  )
}

function serviceOf(id: string): string {
  return id.replace(/\/\d+$/, '')
}

function sourceOf({ entries, years, name }: Candidate, portal: string): object {
  const family = entries[0]?.family
  const ids = entries.map(({ id }) => id)
  const find = years.length > 0 ? { find: { name, from: years[0] } } : {}
  if (family === 'socrata') return { family, portal, ...(years.length > 0 ? find : { datasets: ids }) }
  if (family === 'ckan') return { family, portal, resources: ids }
  if (family === 'opendatasoft') return { family, portal, ...(years.length > 0 ? find : { datasets: ids }) }
  if (family === 'arcgis') return arcgisSource(ids, years.length > 0 ? layerPattern(name, years[0]) : {})
  return { family, urls: ids }
}

/** Entries are called `<service>: <layer>` where these differ; years are looked for in the names of layers alone. */
function layerPattern(name: string, from: number | undefined): object {
  const layer = name.slice(name.indexOf(': ') + 1).trim()
  return layer.includes('{year}') ? { find: { name: layer, from } } : {}
}

/** Ids of ArcGIS entries are addresses of layers: the service, and a number. */
function arcgisSource(ids: readonly string[], find: object): object {
  const places = ids.map((id) => /^(.*\/(?:Feature|Map)Server)\/(\d+)$/.exec(id))
  const service = places[0]?.[1] ?? ids[0]
  return {
    family: 'arcgis',
    service,
    ...('find' in find ? find : { layers: places.map((place) => Number(place?.[2] ?? 0)) }),
  }
}

function mappingOf({ roles, entries }: Candidate): object {
  const formats = TIME_FORMATS[entries[0]?.family ?? 'files'] ?? FALLBACK_FORMATS
  const point =
    roles.point && 'latitude' in roles.point ? { lat: roles.point.latitude, long: roles.point.longitude } : {}
  return {
    ...(roles.key === undefined ? {} : { service_request_id: roles.key }),
    service_name: roles.category ?? FILL_IN,
    ...(roles.status === undefined ? {} : { status: roles.status }),
    requested_at: { from: roles.opened ?? FILL_IN, formats: [...formats] },
    ...(roles.closed === undefined ? {} : { closed_at: { from: roles.closed, formats: [...formats] } }),
    ...point,
  }
}

function slugOf(name: string): string {
  const slug = name
    .replace('{year}', '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(0, 60)
    .replace(/-$/, '')
  return slug === '' ? 'dataset' : slug
}

function mib(bytes: number): string {
  return Math.ceil(bytes / 2 ** 20).toLocaleString('en-US')
}
