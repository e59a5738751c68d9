import type { ArcgisSourceConfig } from '../../contracts/sources/arcgis.js'
import type { DerivedColumn } from '../derived-column.js'
import type { Layer } from './layer.js'

/** Columns beside the published ones: labels of coded values, and the two coordinates of points, each as the source asks for. */
export function derivedColumns(layer: Layer, config: ArcgisSourceConfig): readonly DerivedColumn[] {
  const taken = new Set(layer.fields.map(({ name }) => name.toLowerCase()))
  return [...labelColumns(layer, config, taken), ...pointColumns(layer, config, taken)]
}

function labelColumns(
  layer: Layer,
  { domains, drops }: ArcgisSourceConfig,
  taken: Set<string>,
): DerivedColumn[] {
  if (domains === 'codes') return []
  return layer.fields.flatMap(({ name: from, labels }) => {
    if (labels === undefined || drops.includes(from)) return []
    const name = domains === 'labels' ? from : free(`${from}_label`, taken)
    return drops.includes(name) ? [] : [{ name, from, labels }]
  })
}

function pointColumns(
  layer: Layer,
  { geometry, drops }: ArcgisSourceConfig,
  taken: Set<string>,
): DerivedColumn[] {
  if (geometry !== 'columns' || !layer.isPoint || drops.includes('geometry')) return []
  return [
    { name: free('geometry_longitude', taken), from: 'geometry', member: 'x' },
    { name: free('geometry_latitude', taken), from: 'geometry', member: 'y' },
  ]
}

/** A name that no published column has, whatever its case. */
function free(wanted: string, taken: Set<string>): string {
  let name = wanted
  for (let number = 2; taken.has(name.toLowerCase()); number++) name = `${wanted}_${number}`
  taken.add(name.toLowerCase())
  return name
}
