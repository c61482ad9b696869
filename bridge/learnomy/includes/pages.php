<?php
/**
 * The site's pages that stand for no post: catalogue and course.
 *
 * A rewrite rule names the route; then WordPress is kept from taking the page for the blog's home, from asking for
 * posts and from finding a 404.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

/**
 * Routes of the front end.
 */
final class Pages {

	const QUERY_VAR = 'learnomy_route';

	/**
	 * Registers the routes.
	 */
	public static function init(): void {
		add_action( 'activate_learnomy/learnomy.php', array( Page_Routes::class, 'pick_free' ) );
		add_action( 'init', array( self::class, 'add_rules' ) );
		add_action( 'wp_loaded', array( self::class, 'flush_once' ) );
		add_filter( 'query_vars', array( self::class, 'add_query_vars' ) );
		add_filter( 'request', array( self::class, 'choose' ), PHP_INT_MAX );
		add_action( 'parse_query', array( self::class, 'is_no_home' ) );
		add_filter( 'posts_pre_query', array( self::class, 'ask_for_no_posts' ), 10, 2 );
		add_filter( 'pre_handle_404', array( self::class, 'is_found' ), 10, 2 );
		add_filter( 'redirect_canonical', array( self::class, 'stay' ) );
		add_filter( 'exit_on_http_head', array( self::class, 'answer_head' ) );
		add_filter( 'body_class', array( self::class, 'add_body_classes' ) );
	}

	/**
	 * The route of this request.
	 *
	 * @return string Empty where it is none of ours.
	 */
	public static function route(): string {
		global $wp_the_query;
		$route = $wp_the_query instanceof \WP_Query ? $wp_the_query->get( self::QUERY_VAR ) : '';
		return is_string( $route ) && in_array( $route, Page_Routes::SHOWN, true ) ? $route : '';
	}

	/**
	 * The arguments of this request's route.
	 *
	 * @return array<string, string>
	 */
	public static function arguments(): array {
		global $wp_the_query;
		$arguments = array();
		foreach ( Page_Routes::arguments( self::route() ) as $name ) {
			$value              = (string) $wp_the_query->get( "learnomy_$name" );
			$arguments[ $name ] = 1 === preg_match( '/^[\w-]+$/', $value ) ? $value : sanitize_title( $value );
		}
		return $arguments;
	}

	/**
	 * Adds a rewrite rule for every route shown.
	 */
	public static function add_rules(): void {
		foreach ( Page_Routes::SHOWN as $route ) {
			$query   = 'index.php?' . self::QUERY_VAR . '=' . $route;
			$pattern = preg_quote( Page_Routes::path( $route ), '#' );
			foreach ( Page_Routes::arguments( $route ) as $place => $name ) {
				$query  .= '&learnomy_' . $name . '=$matches[' . ( $place + 1 ) . ']';
				$pattern = str_replace( preg_quote( "{{$name}}", '#' ), 'course' === $route ? '(?!(?:' . implode( '|', Page_Routes::RESERVED ) . ')(?:/|$))([^/]+)' : '([^/]+)', $pattern );
			}
			add_rewrite_rule( '^' . $pattern . '/?$', $query, 'top' );
		}
	}

	/**
	 * Flushes the rewrite rules once for each version and each choice of base slugs.
	 */
	public static function flush_once(): void {
		$wanted = md5( LEARNOMY_BACKEND_VERSION . wp_json_encode( array( Page_Routes::bases(), Page_Routes::SHOWN, Page_Routes::PATHS ) ) );
		if ( get_option( 'learnomy_rewrite' ) !== $wanted ) {
			update_option( 'learnomy_rewrite', $wanted, true );
			flush_rewrite_rules( false );
		}
	}

	/**
	 * Lets our variables through.
	 *
	 * @param string[] $names Public query variables.
	 * @return string[]
	 */
	public static function add_query_vars( $names ): array {
		$names   = (array) $names;
		$names[] = self::QUERY_VAR;
		foreach ( Page_Routes::SHOWN as $route ) {
			foreach ( Page_Routes::arguments( $route ) as $name ) {
				$names[] = "learnomy_$name";
			}
		}
		return array_values( array_unique( $names ) );
	}

	/**
	 * Keeps only what our route needs, or yields to a published page at its path.
	 *
	 * @param array $vars Query variables.
	 * @return array
	 */
	public static function choose( $vars ): array {
		global $wp;
		$vars = (array) $vars;
		if ( ! isset( $vars[ self::QUERY_VAR ] ) ) {
			return $vars;
		}
		$route = is_string( $vars[ self::QUERY_VAR ] ) ? $vars[ self::QUERY_VAR ] : '';
		if ( is_admin() || ! in_array( $route, Page_Routes::SHOWN, true ) ) {
			unset( $vars[ self::QUERY_VAR ] );
			return $vars;
		}
		$path = isset( $wp->request ) ? trim( (string) $wp->request, '/' ) : '';
		$page = '' === $path ? null : get_page_by_path( $path );
		if ( $page instanceof \WP_Post && 'publish' === $page->post_status && self::assigned_page( $route ) !== $page->ID ) {
			return array( 'pagename' => $path );
		}
		$kept = array( self::QUERY_VAR => $route );
		foreach ( Page_Routes::arguments( $route ) as $name ) {
			$kept[ "learnomy_$name" ] = isset( $vars[ "learnomy_$name" ] ) && is_string( $vars[ "learnomy_$name" ] ) ? $vars[ "learnomy_$name" ] : '';
		}
		return $kept;
	}

	/**
	 * The page that the owner gave to a route.
	 *
	 * @param string $route Route.
	 * @return int
	 */
	private static function assigned_page( string $route ): int {
		$settings = get_option( 'learnomy_settings' );
		return is_array( $settings ) && isset( $settings['pages'][ $route ] ) ? (int) $settings['pages'][ $route ] : 0;
	}

	/**
	 * Our pages are not the blog's home, which is what a query without conditions would be.
	 *
	 * @param \WP_Query $query Query.
	 */
	public static function is_no_home( $query ): void {
		if ( self::is_ours( $query ) ) {
			$query->is_home = false;
			$query->is_404  = false;
		}
	}

	/**
	 * Our pages need no posts.
	 *
	 * @param array|null $posts Posts.
	 * @param \WP_Query  $query Query.
	 * @return array|null
	 */
	public static function ask_for_no_posts( $posts, $query ) {
		return self::is_ours( $query ) ? array() : $posts;
	}

	/**
	 * A page without posts is no 404; whether the course exists is known later.
	 *
	 * @param bool      $handled Whether somebody else decided.
	 * @param \WP_Query $query   Query.
	 * @return bool
	 */
	public static function is_found( $handled, $query ): bool {
		return self::is_ours( $query ) || $handled;
	}

	/**
	 * WordPress knows no canonical address for our pages, and must not guess one.
	 *
	 * @param string|false $url Address to redirect to.
	 * @return string|false
	 */
	public static function stay( $url ) {
		return '' === self::route() ? $url : false;
	}

	/**
	 * A HEAD request needs the page too: only then its status is known.
	 *
	 * @param bool $leave Whether WordPress ends the request early.
	 * @return bool
	 */
	public static function answer_head( $leave ): bool {
		return (bool) $leave && '' === self::route();
	}

	/**
	 * Classes for themes.
	 *
	 * @param string[] $classes Classes.
	 * @return string[]
	 */
	public static function add_body_classes( $classes ): array {
		$classes = (array) $classes;
		if ( '' !== self::route() && ! is_404() ) {
			$classes[] = 'learnomy-page';
			$classes[] = 'learnomy-page-' . self::route();
		}
		return $classes;
	}

	/**
	 * Whether a query is the one of our page.
	 *
	 * @param mixed $query Query.
	 * @return bool
	 */
	private static function is_ours( $query ): bool {
		return $query instanceof \WP_Query && $query->is_main_query() && '' !== self::route();
	}
}
