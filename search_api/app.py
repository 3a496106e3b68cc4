"""The HTTP service: routes, gate and error table put together.

Holds no route of its own; `__main__` builds the settings, or the environment where processes serve side
by side.
Settings (+ Searcher) -> FastAPI
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from fastapi import Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from fastapi.telemetry import TelemetryConfig
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route

from passage_index.errors import SearchEngineError
from search_api import (
    routes_answers,
    routes_page,
    routes_search,
    routes_service,
    routes_vector_stores,
    routes_writes,
)
from search_api.agents.over_http import McpOverHttp
from search_api.exchange import said_once
from search_api.gate import Gate
from search_api.logs import configure_logging
from search_api.page.rendering import problem_page, wants_page
from search_api.page.static_files import static_files
from search_api.priorities import settle
from search_api.problems import Problem, problem_of, problem_reply
from search_api.searcher import Searcher
from search_api.server import slow_end
from search_api.serving import Serving
from search_api.settings import Settings

ROUTERS = tuple(
    routes.router
    for routes in (
        routes_search,
        routes_answers,
        routes_vector_stores,
        routes_writes,
        routes_service,
        routes_page,
    )
)

# The framework's own would put query strings, which hold the question, and errors into traces.
NO_TELEMETRY: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}
ASK_FOR_PASSWORD = {"WWW-Authenticate": 'Basic realm="article search", charset="UTF-8"'}


def create_app(settings: Settings, searcher: Searcher | None = None) -> FastAPI:
    """The service. Without a searcher it opens `settings.index` itself, while it already answers /healthz.

    A searcher that is given is not closed here.
    """
    serving = Serving(settings, searcher)
    mcp = McpOverHttp(serving)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with serving.running(), mcp.running():
            with slow_end(settings.drain_s, serving.begin_to_end):
                yield

    app = FastAPI(
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=_operation_id,
        lifespan=lifespan,
        telemetry=NO_TELEMETRY,
    )
    app.state.serving = serving
    app.add_middleware(
        Gate,
        settings=settings,
        access=serving.access,
        admission=serving.admission,
        metrics=serving.metrics,
        tell=serving.tell,
        is_ending=lambda: serving.is_ending,
        is_route=lambda scope: any(one.matches(scope)[0] is Match.FULL for one in app.router.routes),
        refuse=refuse,
        takes_articles=routes_writes.takes_articles,
    )
    for kind in (RequestValidationError, HTTPException, SearchEngineError):
        app.add_exception_handler(kind, _handle)
    for router in ROUTERS:
        app.include_router(router, dependencies=[Depends(said_once)])
    app.router.routes.append(mcp.route())
    app.mount("/static", static_files(), name="static")
    return app


def create_app_of_environment() -> FastAPI:
    """The service that the environment describes: one of several processes."""
    settings = Settings()
    configure_logging(settings.log_format)
    service = create_app(settings)
    settle()
    return service


def refuse(request: Request, problem: Problem) -> Response:
    """A problem as a page for a browser, as JSON for everyone else."""
    request_id = request.scope["state"]["request_id"]
    if not wants_page(request):
        return problem_reply(problem, request_id)
    if problem.status == 401:  # a browser then asks for a password, and sends it from there on
        problem = replace(problem, headers=ASK_FOR_PASSWORD)
    return problem_page(problem, request_id)


async def _handle(request: Request, error: Exception) -> Response:
    problem = problem_of(error)
    if problem.status == 405 and (methods := _methods(request.url.path)):
        problem = replace(problem, headers={"Allow": methods})
    return refuse(request, problem)


def _methods(path: str) -> str:
    """All methods of a path; the framework knows only those of the first route that has it."""
    routes = (route for router in ROUTERS for route in router.routes if isinstance(route, Route))
    found = (route.methods or () for route in routes if route.path_regex.match(path))
    return ", ".join(sorted(set().union(*found)))


def _operation_id(route: APIRoute) -> str:
    return route.name
