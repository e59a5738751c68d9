import type { ArcgisSourceConfig } from '../../contracts/sources/arcgis.js'
import type { DerivedColumn, LabelColumn } from '../derived-column.js'
import type { Labels, Layer, LayerField } from './layer.js'

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
  const { subtypeField } = layer
  const teller = subtypeField === undefined || drops.includes(subtypeField) ? undefined : subtypeField
  return layer.fields.flatMap((field) => {
    const from = field.name
    const labels = labelsOf(field, teller)
    if (labels === undefined || drops.includes(from)) return []
    const name = domains === 'labels' ? from : free(`${from}_label`, taken)
    return drops.includes(name) ? [] : [{ name, from, ...labels }]
  })
}

/** @param teller column that says of which subtype a row is; undefined where it is not read: then only what all subtypes agree on is certain */
function labelsOf(
  { labels, bySubtype }: LayerField,
  teller: string | undefined,
): Pick<LabelColumn, 'labels' | 'by'> | undefined {
  if (bySubtype === undefined) return labels === undefined ? undefined : { labels }
  if (teller !== undefined) return { labels: labels ?? {}, by: { column: teller, labels: bySubtype } }
  return { labels: agreed([...(labels === undefined ? [] : [labels]), ...Object.values(bySubtype)]) }
}

function agreed(tables: readonly Labels[]): Labels {
  const [first = {}, ...others] = tables
  return Object.fromEntries(
    Object.entries(first).filter(([code, label]) => others.every((one) => one[code] === label)),
  )
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
