import type { CkanSourceConfig } from '../../contracts/sources/ckan.js'
import { WardbookError } from '../../kernel/errors.js'
import type { Json } from '../../kernel/ids.js'
import { resumedBody } from '../files/resumed-body.js'
import { pageAnswer } from '../http/page-answer.js'
import { type PortalTools, tokenOf } from '../portal-tools.js'
import type { Offer, PageAnswer, PageRequest, PageSignals, Publication, Source } from '../source.js'
import { pickYears } from '../years.js'
import { CkanApi } from './api.js'
import { describeResource } from './describe-resource.js'
import { Package, Resource } from './resource.js'
import { failureOfCkanPage, nextCkanPage } from './walk.js'

/**
 * Resources of a CKAN portal as a source.
 * @param name of the source, for errors
 */
export function openCkanSource(name: string, config: CkanSourceConfig, tools: PortalTools): Source {
  return new CkanSource(name, config, tools)
}

class CkanSource implements Source {
  private readonly api: CkanApi

  constructor(
    private readonly name: string,
    private readonly config: CkanSourceConfig,
    private readonly tools: PortalTools,
  ) {
    const { portal, tokenFrom } = config
    this.api = new CkanApi(tools.http, portal, tokenOf(tools, tokenFrom), tokenFrom)
  }

  async describe(): Promise<Publication> {
    const { resources, missing, license } = await this.resources()
    if (resources.length === 0) throw this.nothingToRead()
    const offers: Offer[] = []
    for (const resource of resources)
      offers.push(await describeResource(this.api, resource, this.config, license))
    return { offers, missing }
  }

  nextPage = nextCkanPage

  async fetch(request: PageRequest): Promise<PageAnswer> {
    const first = await this.api.send(request)
    const answer = pageAnswer(first)
    if (request.resumable !== true) return answer
    const goOn = (headers: Record<string, string>) =>
      this.api.send({ url: request.url, headers, accept: [416] })
    return { ...answer, bytes: resumedBody(first, goOn) }
  }

  failureOf(request: PageRequest, signals: PageSignals): Error | undefined {
    return failureOfCkanPage(request, signals, this.config.tokenFrom)
  }

  /** In reading order: those of the city file, then those of the years, oldest first; each once. */
  private async resources(): Promise<FoundResources> {
    const named = []
    for (const id of this.config.resources)
      named.push(await this.api.action('resource_show', { id }, Resource))
    if (this.config.find === undefined) return { resources: once(named), missing: [], license: undefined }
    const { resources, license_title, license_id } = await this.package()
    const listed = resources.filter(({ state }) => state !== 'deleted').map(withName)
    const now = (this.tools.now ?? Date.now)()
    const { items, missing } = pickYears(bestOfEachName(listed), this.config.find, now)
    const license = license_title ?? license_id ?? undefined
    return { resources: once([...named, ...items]), missing, license }
  }

  private package(): Promise<Package> {
    const { package: id } = this.config
    if (id !== undefined) return this.api.action('package_show', { id }, Package)
    const message = `the source ${this.name} has find but no package: name the dataset in which to look`
    throw new WardbookError('source-empty-list', 'fix-config', message, { source: this.name })
  }

  private nothingToRead(): WardbookError {
    const { find, package: id } = this.config
    const what = find === undefined ? 'names no resource' : `finds nothing called "${find.name}" in ${id}`
    const message = `the source ${this.name} ${what}; set resources, or package and find`
    return new WardbookError('source-empty-list', 'fix-config', message, { source: this.name })
  }
}

interface FoundResources {
  readonly resources: readonly Resource[]
  readonly missing: readonly string[]
  readonly license: Json | undefined
}

type NamedResource = Resource & { readonly name: string }

function withName(resource: Resource): NamedResource {
  return { ...resource, name: resource.name ?? '' }
}

/** A year is often there as CSV and as something else under one name: the datastore is better than a file, CSV better than another format. */
function bestOfEachName(resources: readonly NamedResource[]): readonly NamedResource[] {
  const best = new Map<string, NamedResource>()
  const equals: NamedResource[] = []
  for (const resource of resources) {
    const key = resource.name.trim().toLowerCase()
    const other = best.get(key)
    if (other === undefined || preference(resource) > preference(other)) best.set(key, resource)
    else if (preference(resource) === preference(other)) equals.push(resource)
  }
  const undecided = equals.filter((one) => {
    const winner = best.get(one.name.trim().toLowerCase())
    return winner !== undefined && preference(winner) === preference(one)
  })
  return [...best.values(), ...undecided]
}

function preference({ datastore_active, format }: Resource): number {
  const isCsv = /^\.?(csv|comma separated values)$/i.test(format?.trim() ?? '')
  return (datastore_active === true ? 2 : 0) + (isCsv ? 1 : 0)
}

function once(resources: readonly Resource[]): readonly Resource[] {
  return [...new Map(resources.map((resource) => [resource.id, resource])).values()]
}
