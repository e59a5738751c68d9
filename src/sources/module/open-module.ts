import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { ModuleSourceConfig } from '../../contracts/sources/module.js'
import { type Remedy, WardbookError } from '../../kernel/errors.js'
import type { Json } from '../../kernel/ids.js'
import type { HttpAnswer, HttpClient } from '../http/client.js'
import { pageAnswer } from '../http/page-answer.js'
import type { PageAnswer, Source } from '../source.js'

/** What a module's `openSource` is given. */
export interface ModuleContext {
  /** `<dataset>/<source>`, for messages. */
  readonly name: string
  /** `options` of the city file. */
  readonly options: Readonly<Record<string, Json>>
  /** The token, when `tokenFrom` names a variable that is set: for `secretHeaders` and `secretQuery` only. */
  readonly token: string | undefined
  /** Sends requests, again where that may help, one at a time to a host. */
  readonly http: HttpClient
  /** What `fetch` returns, from an answer of `http`. @param kept lower-case names of further headers to record */
  pageAnswer(answer: HttpAnswer, kept?: readonly string[]): PageAnswer
  /** An error that says who can act on it: what `fetch` throws and `failureOf` returns. */
  failure(code: string, remedy: Remedy, message: string, facts?: Record<string, unknown>): Error
}

/** What a module is opened with. */
export interface ModuleEffects {
  /** Folder of the city file. */
  readonly folder: string
  readonly http: HttpClient
  readonly env: Readonly<Record<string, string | undefined>>
}

const METHODS = ['describe', 'nextPage', 'fetch', 'failureOf'] as const

/**
 * A source that a module of the city file implements. The module exports `openSource(context)`, which returns a `Source` or a
 * promise of one; the contract suite proves that it keeps the promises.
 * @param name `<dataset>/<source>`
 * @throws WardbookError 'module-missing', 'module-unusable', 'module-failed' (fix-config)
 */
export async function openModuleSource(
  name: string,
  config: ModuleSourceConfig,
  { folder, http, env }: ModuleEffects,
): Promise<Source> {
  const path = resolve(folder, config.path)
  const openSource = await factoryOf(path)
  const context: ModuleContext = {
    name,
    options: config.options,
    token: config.tokenFrom === undefined ? undefined : env[config.tokenFrom],
    http,
    pageAnswer,
    failure: (code, remedy, message, facts = {}) => new WardbookError(code, remedy, message, facts),
  }
  const source = await guarded(path, 'openSource', () => openSource(context))
  return wrapped(path, source)
}

type Factory = (context: ModuleContext) => unknown

async function factoryOf(path: string): Promise<Factory> {
  const loaded = await import(pathToFileURL(path).href).catch((cause) => {
    const message = `the source module ${path} cannot be loaded: ${reasonOf(cause)}`
    throw new WardbookError('module-missing', 'fix-config', message, { path }, { cause })
  })
  if (typeof loaded.openSource === 'function') return loaded.openSource
  const message = `${path} exports no function 'openSource', but ${Object.keys(loaded).join(', ') || 'nothing'}`
  throw new WardbookError('module-unusable', 'fix-config', message, { path })
}

/** The module's source; an error that is not of ours is told as the module's. */
function wrapped(path: string, source: unknown): Source {
  const given = (typeof source === 'object' && source !== null ? source : {}) as Partial<Source>
  const missing = METHODS.filter((method) => typeof given[method] !== 'function')
  if (missing.length > 0) {
    const message = `openSource of ${path} returned no source: it lacks ${missing.join(', ')}`
    throw new WardbookError('module-unusable', 'fix-config', message, { path, missing })
  }
  const whole = given as Source
  return {
    describe: () => guarded(path, 'describe', () => whole.describe()),
    fetch: (request) => guarded(path, 'fetch', () => whole.fetch(request)),
    nextPage: (offer, done) => guardedNow(path, 'nextPage', () => whole.nextPage(offer, done)),
    failureOf: (request, signals) => guardedNow(path, 'failureOf', () => whole.failureOf(request, signals)),
  }
}

async function guarded<T>(path: string, method: string, call: () => T | Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (thrown) {
    throw asFailure(path, method, thrown)
  }
}

function guardedNow<T>(path: string, method: string, call: () => T): T {
  try {
    return call()
  } catch (thrown) {
    throw asFailure(path, method, thrown)
  }
}

function asFailure(path: string, method: string, cause: unknown): WardbookError {
  if (cause instanceof WardbookError) return cause
  const message = `${method} of the source module ${path} threw: ${reasonOf(cause)}`
  return new WardbookError('module-failed', 'fix-config', message, { path, method }, { cause })
}

function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}
