import type { VNode } from 'preact'
import type { CityFile } from '../../contracts/city-file.js'
import { Layout } from './layout.js'

/** An address of this site with the words of its link. */
export interface NamedLink {
  readonly label: string
  readonly address: string
}

/** "There is no such page", with the nearest that there are. */
export function NotFoundPage(props: { city: CityFile; what: string; nearest: readonly NamedLink[] }): VNode {
  const { city, what, nearest } = props
  return (
    <Layout
      city={city}
      title="Not found"
      crumbs={[{ label: city.city.name, address: '/' }, { label: 'Not found' }]}
    >
      <h1>Not found</h1>
      <p class="lead">{what}</p>
      {nearest.length > 0 && (
        <>
          <p>Perhaps you meant:</p>
          <ul>
            {nearest.map(({ label, address }) => (
              <li key={address}>
                <a href={address}>{label}</a>
              </li>
            ))}
          </ul>
        </>
      )}
      <p>
        <a href="/">All {city.divisions.label.toLowerCase()}s and the largest changes</a>
      </p>
    </Layout>
  )
}

/** What went wrong, in a sentence, with the error's code; what still works stays linked. */
export function ErrorPage(props: { city: CityFile; title: string; detail: string; code: string }): VNode {
  const { city, title, detail, code } = props
  return (
    <Layout city={city} title={title} crumbs={[{ label: city.city.name, address: '/' }, { label: title }]}>
      <h1>{title}</h1>
      <p class="lead">{detail}</p>
      <p class="muted">
        Error <code>{code}</code>. Nothing was lost; <a href="/">the first page</a> and the other pages may
        still work.
      </p>
    </Layout>
  )
}
