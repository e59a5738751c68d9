import type { ArcgisSourceConfig } from '../../contracts/sources/arcgis.js'
import { WardbookError } from '../../kernel/errors.js'
import type { Asker, Span } from './ask-layer.js'
import { IdSpace } from './id-space.js'
import type { Layer } from './layer.js'
import type { ArcgisPlan, IntervalsPlan } from './plan.js'

/** Ranges are asked for although many are empty, up to so many times the pages that the rows need … */
const SPARSE_FACTOR = 4n
/** … and this many more: finding a better way costs requests too. */
const SPARSE_PAGES = 64n
/** Without a count nobody knows how sparse ids are: so many ranges are asked for before halves are tried. */
const MAX_UNCOUNTED_RANGES = 10_000n

/**
 * Chooses how a layer is read, by what the server really does, not by what it says: pages in the order of ids; ranges between lowest and
 * highest id by statistics; chunks of the list of ids; ranges or halves of ids that were searched for; one answer.
 *
 * Halves of the range of ids stand where others cut the map into quarters: they work for tables too, and no row lies in two of them.
 * @param count rows by the server's own count, undefined when it has none
 * @throws WardbookError 'portal-unpageable' (fix-source) when no way gives all rows
 */
export async function planRead(
  asker: Asker,
  layer: Layer,
  config: ArcgisSourceConfig,
  count: number | undefined,
): Promise<ArcgisPlan> {
  const said = planBase(layer, config)
  const { oid } = layer
  if (oid === undefined) return planWhole(layer, said, count)
  const ids = new IdSpace(asker, layer, oid, config.where, count)
  if (layer.supportsPagination && (await ids.isOrdered())) return { strategy: 'pages', oid, ...said }
  if (count === 0) return { strategy: 'whole', ...said }
  const base = { ...said, rows: Math.min(said.rows, await ids.rowsAnAnswer()) }

  const span = layer.supportsStatistics ? await ids.spanByStatistics() : undefined
  if (span !== undefined && !isSparse(span, base.rows, count)) return rangesOf(span, oid, base)
  const all = await ids.all()
  if (all !== undefined)
    return { strategy: 'ids', oid, intervals: chunksOf(all, base.rows), listed: all.length, ...base }
  const found = span ?? (await ids.spanBySearch())
  if (found === undefined) return planWhole(layer, base, count)
  if (!isSparse(found, base.rows, count)) return rangesOf(found, oid, base)
  const halves = await ids.halve(found, base.rows)
  if (halves === undefined) throw unpageable(layer, count)
  return { strategy: 'bisect', oid, intervals: halves.map(([from, to]) => [`${from}`, `${to}`]), ...base }
}

type Base = Omit<Extract<ArcgisPlan, { strategy: 'whole' }>, 'strategy'>

function planBase(layer: Layer, config: ArcgisSourceConfig): Base {
  const names = layer.fields.map(({ name }) => name)
  const kept = names.filter((name) => name === layer.oid || !config.drops.includes(name))
  const geometry = config.geometry !== false && layer.hasGeometry && !config.drops.includes('geometry')
  return {
    layer: layer.url,
    where: config.where,
    outFields: kept.length === names.length ? '*' : kept.join(','),
    geometry,
    rows: Math.min(config.pageRows ?? layer.maxRecordCount, layer.maxRecordCount),
    columns: geometry ? [...kept, 'geometry'] : kept,
  }
}

function planWhole(layer: Layer, base: Base, count: number | undefined): ArcgisPlan {
  if (count !== undefined && count > layer.maxRecordCount) throw unpageable(layer, count)
  return { strategy: 'whole', ...base, rows: layer.maxRecordCount }
}

function rangesOf({ min, max }: Span, oid: string, base: Base): ArcgisPlan {
  return { strategy: 'ranges', oid, min: String(min), max: String(max), ...base }
}

function isSparse({ min, max }: Span, rows: number, count: number | undefined): boolean {
  const ranges = (max - min) / BigInt(rows) + 1n
  if (count === undefined) return ranges > MAX_UNCOUNTED_RANGES
  return ranges > SPARSE_FACTOR * (BigInt(Math.ceil(count / rows)) + SPARSE_PAGES)
}

function chunksOf(ids: readonly bigint[], rows: number): IntervalsPlan['intervals'] {
  const starts = Array.from({ length: Math.ceil(ids.length / rows) }, (_, chunk) => chunk * rows)
  return starts.map((at) => [String(ids[at]), String(ids[Math.min(at + rows, ids.length) - 1])])
}

function unpageable(layer: Layer, count: number | undefined): WardbookError {
  const facts = { url: layer.url, rows: count, rowsAnAnswer: layer.maxRecordCount }
  const message =
    `${layer.url} (${layer.name}) has ${count ?? 'an unknown number of'} rows, gives ${layer.maxRecordCount} an answer and no way to ask ` +
    'for the rest: use a download of the portal as a source of family files'
  return new WardbookError('portal-unpageable', 'fix-source', message, facts)
}
