import type { VNode } from 'preact'
import type { CityFile } from '../../contracts/city-file.js'
import type { PointCounts } from '../../contracts/points.js'
import { catalogFor } from '../../words/sentences.js'
import { divisionFacts } from '../finding-line.js'
import type { SourceFacts } from '../read-sources.js'
import { Scroll } from './scroll.js'

/** Differences between column and point that a page lists. */
const PAIRS_SHOWN = 10

/** What the points of a source's rows did to their divisions, and where the publisher says otherwise. */
export function PointsNote({ city, source }: { city: CityFile; source: SourceFacts }): VNode | null {
  const { points, datasetName, source: name } = source
  if (points === null) return null
  const { label } = city.divisions
  const said = catalogFor(city.city.locale).points({ label, boundary: points.boundary, counts: points })
  return (
    <>
      <h3>
        Which {label.toLowerCase()} a row is in: {datasetName}, {name}
      </h3>
      <p>{said.join(' ')}</p>
      <Differences city={city} points={points} />
    </>
  )
}

function Differences({ city, points }: { city: CityFile; points: PointCounts }): VNode | null {
  const pairs = (points.pairs ?? []).slice(0, PAIRS_SHOWN)
  if (pairs.length === 0) return null
  const words = catalogFor(city.city.locale)
  const named = (value: string) => words.divisionTitle(divisionFacts(city, value))
  return (
    <details>
      <summary>Where published and point differ most often</summary>
      <Scroll label="Differences">
        <table>
          <thead>
            <tr>
              <th>Published</th>
              <th>By the point</th>
              <th class="number">Rows</th>
            </tr>
          </thead>
          <tbody>
            {pairs.map(({ from, to, rows }) => (
              <tr key={`${from} ${to}`}>
                <td>{named(from)}</td>
                <td>{named(to)}</td>
                <td class="number">{rows.toLocaleString('en-US')}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </details>
  )
}
