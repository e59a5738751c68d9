import type { ArcgisSourceConfig } from '../../contracts/sources/arcgis.js'
import { WardbookError } from '../../kernel/errors.js'
import type { Json } from '../../kernel/ids.js'
import { listOf, memberOf, textOf, wholeNumber } from '../exact-json.js'
import { pickYears } from '../years.js'

/** A layer or table in the list of a service. */
export interface ListedLayer {
  readonly id: string
  readonly name: string
}

/** Layers to read, in order, and names of years that the service does not list. */
export interface FoundLayers {
  readonly ids: readonly string[]
  readonly missing: readonly string[]
}

/** A service's address may end in the number of a layer. */
export function splitService(service: string): { service: string; layer: number | undefined } {
  const [, root = service, layer] = /^(.*\/(?:Feature|Map)Server)\/(\d+)$/i.exec(service) ?? []
  return { service: root, layer: layer === undefined ? undefined : Number(layer) }
}

/** Layers and tables of a service, in its order; groups of layers have no rows. */
export function listedLayers(json: Json): readonly ListedLayer[] {
  return [...listOf(json, 'layers'), ...listOf(json, 'tables')].flatMap((entry) => {
    const [id, name] = [wholeNumber(memberOf(entry, 'id')), textOf(entry, 'name')]
    const isGroup = listOf(entry, 'subLayerIds').length > 0 || textOf(entry, 'type') === 'Group Layer'
    return id === undefined || name === undefined || isGroup ? [] : [{ id: String(id), name }]
  })
}

/**
 * The layers that a source names: by number, by name, by the names of years; the only one where it names none.
 * @param now milliseconds since 1970
 * @throws WardbookError 'source-not-found' (fix-source) for a name that no layer has, 'source-ambiguous' (fix-config) for one that
 *   several have, 'source-empty-list' (fix-config) when nothing is named and there is not exactly one layer
 */
export function findLayers(
  listed: readonly ListedLayer[],
  config: ArcgisSourceConfig,
  now: number,
): FoundLayers {
  const named = config.layers.map((layer) =>
    typeof layer === 'number' ? String(layer) : idOf(listed, layer, config),
  )
  const years = config.find === undefined ? undefined : pickYears(listed, config.find, now)
  const ids = [...new Set([...named, ...(years?.items.map(({ id }) => id) ?? [])])]
  const [only, other] = listed
  if (ids.length > 0) return { ids, missing: years?.missing ?? [] }
  if (config.find === undefined && only !== undefined && other === undefined)
    return { ids: [only.id], missing: [] }
  const missing =
    years === undefined ? 'the source names no layer' : `no layer is called like '${config.find?.name}'`
  throw new WardbookError(
    'source-empty-list',
    'fix-config',
    `${config.service}: ${missing}; it has ${namesOf(listed)}`,
    { service: config.service },
  )
}

function idOf(listed: readonly ListedLayer[], name: string, { service }: ArcgisSourceConfig): string {
  const same = (a: string) => a.trim().toLowerCase() === name.trim().toLowerCase()
  const [found, other] = listed.filter((layer) => same(layer.name))
  if (found !== undefined && other === undefined) return found.id
  const facts = { service, name }
  if (found === undefined) {
    const message = `${service} has no layer '${name}', but ${namesOf(listed)}; was it renamed?`
    throw new WardbookError('source-not-found', 'fix-source', message, facts)
  }
  const message = `${service} has several layers '${name}', among them ${found.id} and ${other?.id}: give the number`
  throw new WardbookError('source-ambiguous', 'fix-config', message, facts)
}

const MAX_NAMES = 30

function namesOf(listed: readonly ListedLayer[]): string {
  const shown = listed.slice(0, MAX_NAMES).map(({ id, name }) => `${id} '${name}'`)
  const more = listed.length > MAX_NAMES ? ` and ${listed.length - MAX_NAMES} more` : ''
  return shown.length === 0 ? 'no layers' : `${shown.join(', ')}${more}`
}
