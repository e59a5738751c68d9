import type { VNode } from 'preact'
import type { CityFile } from '../../contracts/city-file.js'
import type { NamedVersion } from '../edition.js'
import type { SourceFacts } from '../read-sources.js'
import { PointsNote } from './points-note.js'
import { Scroll } from './scroll.js'

/** Where the figures come from: source, license, when it was read, rows, table versions. */
export function DataFooter(props: {
  city: CityFile
  sources: readonly SourceFacts[]
  versions: readonly NamedVersion[]
}): VNode {
  const { city, sources, versions } = props
  return (
    <section aria-labelledby="data">
      <h2 id="data">Data</h2>
      <Scroll label="Sources">
        <table>
          <thead>
            <tr>
              <th>Source</th>
              <th class="number">Rows</th>
              <th>Read</th>
              <th>Published</th>
              <th>License</th>
            </tr>
          </thead>
          <tbody>
            {sources.map((source) => (
              <SourceRow key={`${source.dataset}/${source.source}`} source={source} />
            ))}
          </tbody>
        </table>
      </Scroll>
      {sources.map((source) => (
        <PointsNote key={`${source.dataset}/${source.source}`} city={city} source={source} />
      ))}
      <p class="small muted">
        Made from {versions.length === 0 ? 'no table yet' : versions.map(versionText).join(', ')}. Every
        figure here comes from these versions. <a href="/methods">How findings are made</a> ·{' '}
        <a href="/api/v1/findings">All findings as JSON</a> · <a href="/api/v1/sources">Sources as JSON</a>
      </p>
    </section>
  )
}

function SourceRow({ source }: { source: SourceFacts }): VNode {
  const { datasetName, pages, urls, license, licenseUrl, attribution, readAt, publishedAt, rows } = source
  return (
    <tr>
      <td class="wide-cell">
        {datasetName}, {source.source}
        {urls.map((url) => (
          <div key={url} class="hash">
            {/^https?:/.test(url) ? (
              <a href={url} rel="noreferrer">
                {url}
              </a>
            ) : (
              url
            )}
          </div>
        ))}
        {pages > urls.length && (
          <div class="muted">and {(pages - urls.length).toLocaleString('en-US')} before</div>
        )}
        {attribution && <div class="muted">{attribution}</div>}
      </td>
      <td class="number">{rows.toLocaleString('en-US')}</td>
      <td class="day">{instantText(readAt) ?? 'not yet'}</td>
      <td class="day">{instantText(publishedAt) ?? 'not said'}</td>
      <td class="day">{licenseUrl ? <a href={licenseUrl}>{license}</a> : (license ?? 'not recorded')}</td>
    </tr>
  )
}

function versionText({ table, version }: NamedVersion): string {
  return `${table} version ${version}`
}

/** An instant for people, to the minute: '2021-08-30 06:15 UTC'. */
export function instantText(at: string | null): string | undefined {
  return at === null ? undefined : `${at.slice(0, 10)} ${at.slice(11, 16)} UTC`
}
