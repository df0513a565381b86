"""``/v1/exemplars``: the library of colour photos that may lend their colours."""

from __future__ import annotations

import json

from flask import Blueprint, Response, request

from plugin_server.engine.exemplars import (
    JSON,
    ExemplarJson,
    HitJson,
    PageJson,
    ResultsJson,
    describe,
)
from plugin_server.http.exemplar_forms import AddExemplarForm, PageQuery, SearchForm
from plugin_server.http.forms import read_form, read_query
from plugin_server.http.messages import answer_in_turn, respond
from plugin_server.http.openapi import NOTICES, Operation, Success, documented, json_success
from plugin_server.images.codec import media_type_of
from plugin_server.service import Service

TAG = "exemplars"
THUMBNAIL = "image/jpeg"
PHOTOS = ("image/jpeg", "image/png", "image/webp", "image/tiff")


def blueprint(service: Service) -> Blueprint:
    """Make the calls. Nothing but the library's own photos can be read through them."""
    routes = Blueprint("exemplars", __name__, url_prefix="/v1/exemplars")

    @routes.post("/search")
    @documented(
        Operation(
            "Find exemplars that fit a photo or a description",
            json_success(
                200,
                "What was found, best first",
                ResultsJson,
                NOTICES,
            ),
            form=SearchForm,
            schemas=(HitJson, ResultsJson),
            problems=(400, 401, 404, 413, 415, 422, 429, 503),
            tag=TAG,
        )
    )
    def search() -> Response:
        work = read_form(request, SearchForm).request()
        answer = answer_in_turn(service, work)
        return respond(answer)

    @routes.get("")
    @documented(
        Operation(
            "List the library",
            json_success(
                200, "A part of the library, in the order in which its photos came", PageJson
            ),
            query=PageQuery,
            schemas=(ExemplarJson, PageJson),
            problems=(400, 401, 422, 503),
            tag=TAG,
        )
    )
    def list_exemplars() -> Response:
        page = read_query(request, PageQuery)
        library = service.library
        found = library.list(offset=page.offset, limit=page.limit, containing=page.containing)
        body = PageJson(
            exemplars=[describe(exemplar) for exemplar in found],
            total=len(library),
            offset=page.offset,
            limit=page.limit,
        )
        return Response(body.model_dump_json(), content_type=JSON)

    @routes.post("")
    @documented(
        Operation(
            "Add a photo to the library",
            json_success(
                201,
                "The exemplar that it became, or the one that shows the same picture already",
                ExemplarJson,
            ),
            form=AddExemplarForm,
            schemas=(ExemplarJson,),
            problems=(400, 401, 413, 415, 422, 429, 503, 507),
            tag=TAG,
        )
    )
    def add() -> Response:
        form = read_form(request, AddExemplarForm)
        work = form.request(request.files["image"].filename or "")
        answer = answer_in_turn(service, work)
        response = respond(answer, 201)
        response.headers["Location"] = f"/v1/exemplars/{json.loads(answer.body)['id']}"
        return response

    @routes.get("/<id>")
    @documented(
        Operation(
            "Describe an exemplar",
            json_success(200, "The exemplar", ExemplarJson),
            schemas=(ExemplarJson,),
            problems=(401, 404, 503),
            tag=TAG,
        )
    )
    def one(id: str) -> Response:
        exemplar = service.library.get(id)
        return Response(describe(exemplar).model_dump_json(), content_type=JSON)

    @routes.delete("/<id>")
    @documented(
        Operation(
            "Remove an exemplar from the library; a photo that lies elsewhere stays there",
            Success(204, "It is removed", {}),
            problems=(401, 404, 503),
            tag=TAG,
        )
    )
    def remove(id: str) -> Response:
        service.library.remove([id])
        return Response(status=204)

    @routes.get("/<id>/image")
    @documented(
        Operation(
            "Fetch an exemplar's photo, exactly the bytes that were added",
            Success(200, "The photo", {media_type: {} for media_type in PHOTOS}),
            problems=(401, 404, 410, 503),
            tag=TAG,
        )
    )
    def image(id: str) -> Response:
        data = service.library.image(id)
        return Response(data, content_type=media_type_of(data))

    @routes.get("/<id>/thumbnail")
    @documented(
        Operation(
            "Fetch a small picture of an exemplar",
            Success(200, "A JPEG with a long side of at most 256 pixels", {THUMBNAIL: {}}),
            problems=(401, 404, 410, 503),
            tag=TAG,
        )
    )
    def thumbnail(id: str) -> Response:
        data = service.library.thumbnail(id)
        return Response(data, content_type=THUMBNAIL)

    return routes
