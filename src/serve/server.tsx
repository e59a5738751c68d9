import type { AddressInfo } from 'node:net'
import { serve } from '@hono/node-server'
import { type Context, Hono } from 'hono'
import { WardbookError } from '../kernel/errors.js'
import { type Logger, silentLogger } from '../kernel/log.js'
import { catalogFor } from '../words/sentences.js'
import { divisionAddress, type Format, parsePath } from './addresses.js'
import { type Answer, answer, toResponse } from './answer.js'
import { type Listed, listDivisions, listFindings, listSources, readEvent } from './api/requests.js'
import { listDatasets, listSeries } from './api/series.js'
import { toCsv } from './csv.js'
import type { Edition } from './edition.js'
import { divisionFacts } from './finding-line.js'
import type { ReceiptOf } from './finding-view.js'
import { Kept } from './kept.js'
import { nearestNames } from './nearest.js'
import { findPage } from './pages.js'
import { notFound, type Problem, problemOf, RETRY_AFTER_S } from './problem.js'
import type { Publication } from './publication.js'
import type { Resource } from './resource.js'
import { renderPage } from './web/layout.js'
import { ErrorPage, type NamedLink, NotFoundPage } from './web/problem-page.js'
import { STYLE, STYLE_ADDRESS } from './web/style.js'

/** What the pages and the API need. */
export interface AppOptions {
  readonly publication: Publication
  /** Proofs from the ledger; without it pages say that the receipt is not available. */
  readonly receiptOf?: ReceiptOf
  readonly log?: Logger
}

/** Finished answers kept in memory, in characters: about 64 MB. */
const KEPT_CHARACTERS = 32_000_000
/** Longer answers (large exports) are not worth their place. */
const LONGEST_KEPT = 1_000_000

/** Pages, their data and the API as one application; it holds no state but what it keeps to be fast. */
export function createApp({ publication, receiptOf, log = silentLogger }: AppOptions): Hono {
  const app = new Hono()
  const kept = new Kept<Answer>(KEPT_CHARACTERS, ({ body }) =>
    body.length > LONGEST_KEPT ? KEPT_CHARACTERS : body.length,
  )
  const style = answer('css', STYLE, 200, { 'Cache-Control': 'public, max-age=31536000, immutable' })

  const respond = async (context: Context, make: (edition: Edition, url: URL) => Promise<Answer>) => {
    const url = new URL(context.req.url)
    const edition = await publication.edition()
    const made = await kept.get(`${edition.key} ${url.pathname}${url.search}`, () => make(edition, url))
    return toResponse(made, context.req.header('If-None-Match'))
  }

  app.get(STYLE_ADDRESS, (context) => toResponse(style, context.req.header('If-None-Match')))
  app.get('/api/v1/findings', (context) =>
    respond(context, async (edition, { searchParams }) =>
      listAnswer(await listFindings(edition, searchParams), context),
    ),
  )
  app.get('/api/v1/divisions', (context) =>
    respond(context, async (edition, { searchParams }) =>
      listAnswer(await listDivisions(edition, searchParams), context),
    ),
  )
  app.get('/api/v1/sources', (context) =>
    respond(context, async (edition, { searchParams }) =>
      listAnswer(await listSources(edition, searchParams), context),
    ),
  )
  app.get('/api/v1/series', (context) =>
    respond(context, async (edition, { searchParams }) =>
      listAnswer(await listSeries(edition, searchParams), context),
    ),
  )
  app.get('/api/v1/datasets', (context) =>
    respond(context, async (edition, { searchParams }) =>
      listAnswer(await listDatasets(edition, searchParams), context),
    ),
  )
  app.get('/api/v1/events/:index', (context) =>
    respond(context, async (edition, { searchParams }) => {
      const index = context.req.param('index') ?? ''
      const event = await readEvent(edition, index, searchParams, receiptOf)
      return event ? jsonAnswer(event) : problemAnswer(notFound(`the ledger has no event ${index}`))
    }),
  )
  app.all('/api/*', () =>
    toResponse(problemAnswer(notFound('there is no such address in the API')), undefined),
  )
  app.get('*', (context) => respond(context, (edition, url) => pageAnswer(edition, url, receiptOf)))

  app.notFound(() => toResponse(problemAnswer(notFound('only GET and HEAD are answered here')), undefined))
  app.onError((thrown, context) => {
    const problem = problemOf(thrown)
    if (problem.status >= 500)
      log.error({ err: thrown, path: context.req.path, code: problem.code }, 'a request failed')
    return toResponse(errorAnswer(publication, context.req.path, problem), undefined)
  })
  return app
}

async function pageAnswer(edition: Edition, url: URL, receiptOf: ReceiptOf | undefined): Promise<Answer> {
  const path = parsePath(url.pathname)
  const format = path?.format ?? 'html'
  const request = { segments: path?.segments ?? [], search: url.searchParams, strict: format !== 'html' }
  const page = path && (await findPage(edition, request, receiptOf))
  const made = page && renderResource(page, format)
  return made ?? missingAnswer(edition, path?.segments ?? [], format)
}

function renderResource({ html, csv, json, svg }: Resource, format: Format): Answer | undefined {
  if (format === 'html') return html && answer('html', renderPage(html()))
  if (format === 'csv') return csv && answer('csv', toCsv(csv()))
  if (format === 'json') return json && jsonAnswer(json())
  return svg && answer('svg', svg())
}

async function missingAnswer(edition: Edition, segments: readonly string[], format: Format): Promise<Answer> {
  const [kind, name] = segments
  const what = missingText(edition, kind, name)
  if (format !== 'html') return problemAnswer(notFound(what))
  const nearest = kind === 'd' && name !== undefined ? await nearestDivisions(edition, name) : []
  return answer('html', renderPage(<NotFoundPage city={edition.city} what={what} nearest={nearest} />), 404)
}

function missingText({ city }: Edition, kind: string | undefined, name: string | undefined): string {
  if (kind === 'd' && name !== undefined) {
    return `${city.city.name} has no ${city.divisions.label.toLowerCase()} “${name}” in its data, or no such page of it.`
  }
  if (kind === 'f' && name !== undefined) return `There is no finding “${name}”, or no such page of it.`
  return 'There is no page at this address.'
}

async function nearestDivisions(edition: Edition, asked: string): Promise<NamedLink[]> {
  const words = catalogFor(edition.city.city.locale)
  return nearestNames(asked, await edition.divisions()).map((value) => ({
    label: words.divisionTitle(divisionFacts(edition.city, value)),
    address: divisionAddress(value),
  }))
}

function listAnswer({ body, next }: Listed, context: Context): Answer {
  if (next === null) return jsonAnswer(body)
  const { pathname, searchParams } = new URL(context.req.url)
  searchParams.set('cursor', next)
  return jsonAnswer(body, { Link: `<${pathname}?${searchParams}>; rel="next"` })
}

function jsonAnswer(body: object, extra: Readonly<Record<string, string>> = {}): Answer {
  return answer('json', `${JSON.stringify(body, null, 1)}\n`, 200, extra)
}

function problemAnswer(problem: Problem): Answer {
  const extra = problem.status === 503 ? { 'Retry-After': String(RETRY_AFTER_S) } : {}
  return answer('problem', `${JSON.stringify(problem)}\n`, problem.status, extra as Record<string, string>)
}

/** A problem in the form that was asked for: a page for pages, problem+json for data. */
function errorAnswer({ city }: Publication, path: string, problem: Problem): Answer {
  const isData = path.startsWith('/api/') || (parsePath(path)?.format ?? 'html') !== 'html'
  if (isData) return problemAnswer(problem)
  const { title, detail, code, status } = problem
  return answer(
    'html',
    renderPage(<ErrorPage city={city} title={title} detail={detail} code={code} />),
    status,
  )
}

/** A server that listens. */
export interface RunningServer {
  readonly url: string
  /** Stops taking requests and ends when those under way are answered. */
  close(): Promise<void>
}

/**
 * Starts a server.
 * @param options.port     0: any free one
 * @param options.hostname by default reachable from this machine only
 * @throws WardbookError 'port-in-use', 'port-refused' (fix-config)
 */
export function startServer(options: { app: Hono; port: number; hostname?: string }): Promise<RunningServer> {
  const { app, port, hostname = '127.0.0.1' } = options
  return new Promise((resolve, reject) => {
    const server = serve({ fetch: app.fetch, port, hostname }, (address: AddressInfo) => {
      const host = hostname.includes(':') ? `[${hostname}]` : hostname
      resolve({
        url: `http://${host}:${address.port}`,
        close: () =>
          new Promise((closed, failed) =>
            server.close((error?: Error) => (error ? failed(error) : closed())),
          ),
      })
    })
    server.on('error', (cause: NodeJS.ErrnoException) => reject(portError(cause, hostname, port)))
  })
}

function portError(cause: NodeJS.ErrnoException, hostname: string, port: number): Error {
  const facts = { hostname, port }
  if (cause.code === 'EADDRINUSE') {
    const message = `port ${port} of ${hostname} is taken: choose another with --port, or 0 for any free one`
    return new WardbookError('port-in-use', 'fix-config', message, facts, { cause })
  }
  const message = `cannot listen on ${hostname}, port ${port}: ${cause.message}; choose others with --host and --port`
  return new WardbookError('port-refused', 'fix-config', message, facts, { cause })
}
