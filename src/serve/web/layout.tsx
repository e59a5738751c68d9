import type { ComponentChildren, VNode } from 'preact'
import { renderToString } from 'preact-render-to-string'
import type { CityFile } from '../../contracts/city-file.js'
import { catalogFor } from '../../words/sentences.js'
import { metricsOf } from '../counted-metrics.js'
import { STYLE_ADDRESS } from './style.js'

/** One step of the way from the city to a page; the last has no address. */
export interface Crumb {
  readonly label: string
  readonly address?: string
}

export interface LayoutProps {
  readonly city: CityFile
  /** Title of the page, without the city's name. */
  readonly title: string
  /** One sentence for search engines and previews. */
  readonly description?: string | undefined
  readonly crumbs: readonly Crumb[]
  readonly children: ComponentChildren
}

/** A page's frame: what every page has, also the ones that say what went wrong. */
export function Layout({ city, title, description, crumbs, children }: LayoutProps): VNode {
  const { name, locale, simulated } = city.city
  const noun = catalogFor(locale).noun(...metricsOf(city))
  return (
    <html lang={locale}>
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>{`${title} · ${name}`}</title>
        {description && <meta name="description" content={description} />}
        <link rel="stylesheet" href={STYLE_ADDRESS} />
        <link rel="icon" href="data:," />
      </head>
      <body>
        <a class="skip" href="#main">
          Skip to the content
        </a>
        <div class="bar">
          <header>
            <a class="brand" href="/">
              wardbook
            </a>
            <nav aria-label="Main">
              <a href="/">Findings</a>
              <a href="/#divisions">{city.divisions.label}s</a>
              <a href="/methods">Methods</a>
            </nav>
            <span class="city">{name}</span>
          </header>
        </div>
        {simulated && (
          <div class="frame">
            <p class="notice" role="note">
              <strong>{name} is a simulated city.</strong> Every {noun.one}, address and finding here is made
              up.
            </p>
          </div>
        )}
        <main id="main">
          {crumbs.length > 0 && <Crumbs crumbs={crumbs} />}
          {children}
        </main>
      </body>
    </html>
  )
}

function Crumbs({ crumbs }: { crumbs: readonly Crumb[] }): VNode {
  return (
    <nav class="crumbs" aria-label="You are here">
      {crumbs.map(({ label, address }, index) => (
        <span key={label}>
          {index > 0 && ' / '}
          {address ? <a href={address}>{label}</a> : label}
        </span>
      ))}
    </nav>
  )
}

/** A page as the bytes that are sent. */
export function renderPage(page: VNode): string {
  return `<!doctype html>${renderToString(page)}`
}
