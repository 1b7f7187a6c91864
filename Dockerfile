# One image for release, web, worker and beat; docker-compose.yml says what each of them runs.
# The base has the Python that the locks were made with (tests/production holds it to that).
FROM python:3.11-slim-trixie AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/venv
# Wheels only and each with its hash: nothing is compiled, and nothing but what was tested comes in.
COPY requirements-production.lock /tmp/
RUN /opt/venv/bin/pip install --require-hashes --only-binary :all: -r /tmp/requirements-production.lock
WORKDIR /app
COPY . .
# Production refuses to start without its settings, so this one command gets throw-away ones; they
# end with it, and no layer keeps them.
RUN ITB_ENV=production \
    SECRET_KEY="$(python -c 'import secrets; print(secrets.token_urlsafe(50))')" \
    DATABASE_URL=postgres://nobody@127.0.0.1:1/none REDIS_URL=redis://127.0.0.1:1/0 \
    ALLOWED_HOSTS=build.invalid ITB_BASE_URL=https://build.invalid \
    /opt/venv/bin/python manage.py collectstatic --noinput \
    && /opt/venv/bin/python -m compileall -q /app

FROM python:3.11-slim-trixie
# Pango and a font make the PDFs of the after-visit summaries.
# pg_dump must not be older than the server, and Debian's is; its own package adds PostgreSQL's
# archive together with the key.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates postgresql-common \
       libpango-1.0-0 libpangoft2-1.0-0 fonts-dejavu-core \
    && /usr/share/postgresql-common/pgdg/apt.postgresql.org.sh -y \
    && apt-get install -y --no-install-recommends postgresql-client-18 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --user-group --no-create-home --home-dir /nonexistent \
       --shell /usr/sbin/nologin itb
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
WORKDIR /app
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 ITB_ENV=production
USER 10001:10001
# Started without a command it says whether its settings will do, and ends.
CMD ["python", "manage.py", "check", "--deploy"]
