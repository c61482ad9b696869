<?php
/**
 * The HTML of blocks, shortcodes, widgets and pages: asked of the backend in one call a page.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

/**
 * Items of this request and what the backend made of them.
 */
final class Rendering {

	const NOTHING = array(
		'html'     => '',
		'slots'    => array(),
		'token'    => '',
		'status'   => 200,
		'personal' => false,
		'tags'     => array(),
		'degraded' => false,
	);

	/**
	 * Query parameters that a page of ours may depend on; all others are no part of the question.
	 */
	const PARAMETER = '/^(?:search|category|tag|level|price|sort|learnomy_[a-z_]{1,40})$/';

	/**
	 * What was rendered, by item key.
	 *
	 * @var array<string, array>
	 */
	private static $rendered = array();

	/**
	 * What the backend gave for the head of the page.
	 *
	 * @var array
	 */
	private static $head = array();

	/**
	 * Registers the callback.
	 */
	public static function init(): void {
		add_filter( 'rest_request_after_callbacks', array( self::class, 'after_request' ), 10, 3 );
	}

	/**
	 * After a write by REST in this request, what was read before is no longer true.
	 *
	 * @param mixed $response Response.
	 * @param array $handler  Route handler.
	 * @param mixed $request  Request.
	 * @return mixed The response.
	 */
	public static function after_request( $response, $handler, $request ) {
		if ( $request instanceof \WP_REST_Request && 'GET' !== $request->get_method() && 0 === strpos( $request->get_route(), '/learnomy' ) ) {
			Models\Model::forget();
			if ( 1 === preg_match( '#^/learnomy/v1/(courses|course-categories|settings)(/[\w%-]+)?(/publish|/unpublish|/duplicate)?$#', $request->get_route() ) ) {
				Fragment_Cache::touch( array( '*' ) );
			}
		}
		return $response;
	}

	/**
	 * An item to render.
	 *
	 * @param string $kind       block, shortcode, widget, page or template.
	 * @param string $name       Name.
	 * @param array  $attributes Attributes.
	 * @param string $content    Inner content.
	 * @return array
	 */
	public static function item( string $kind, string $name, array $attributes, string $content = '' ): array {
		ksort( $attributes );
		$item        = array(
			'kind'       => $kind,
			'name'       => $name,
			'attributes' => $attributes,
			'content'    => $content,
		);
		$item['key'] = 'i' . substr( md5( (string) wp_json_encode( $item ) ), 0, 15 );
		return $item;
	}

	/**
	 * Asks for the items that are not there yet, all in one call.
	 *
	 * @param array[] $items Items.
	 */
	public static function prepare( array $items ): void {
		$wanted = array();
		foreach ( $items as $item ) {
			if ( ! isset( self::$rendered[ $item['key'] ] ) ) {
				$wanted[ $item['key'] ] = $item;
			}
		}
		if ( ! $wanted ) {
			return;
		}
		if ( ! Page_Access::is_allowed() ) {
			foreach ( array_keys( $wanted ) as $key ) {
				self::keep( $key, array( 'html' => Page_Access::notice() ) );
			}
			self::keep_from_caches();
			return;
		}
		$fragments = new Fragment_Cache( self::address() );
		foreach ( $fragments->fresh( array_keys( $wanted ) ) as $key => $entry ) {
			self::keep( $key, $entry );
			unset( $wanted[ $key ] );
		}
		if ( $wanted ) {
			self::ask( $wanted, $fragments );
		}
	}

	/**
	 * The HTML of one item, its slots filled; an item nobody foresaw is asked for now, and foreseen the next time.
	 *
	 * @param array $item Item.
	 * @return string
	 */
	public static function html( array $item ): string {
		if ( ! isset( self::$rendered[ $item['key'] ] ) ) {
			Rendering_Plan::learn( $item );
			self::prepare( array( $item ) );
		}
		Rendering_Plan::met( $item );
		$entry = self::$rendered[ $item['key'] ] ?? self::NOTHING;
		return Rendering_Slots::fill( (string) $entry['html'], (array) $entry['slots'], (string) $entry['token'] );
	}

	/**
	 * The status of one item.
	 *
	 * @param array $item Item.
	 * @return int
	 */
	public static function status( array $item ): int {
		return (int) ( self::$rendered[ $item['key'] ]['status'] ?? 200 );
	}

	/**
	 * What the backend gave for the head of the page.
	 *
	 * @return array
	 */
	public static function head(): array {
		return self::$head;
	}

	/**
	 * Forgets everything, as a new request would.
	 */
	public static function reset(): void {
		self::$rendered = array();
		self::$head     = array();
	}

	/**
	 * Calls the backend.
	 *
	 * @param array<string, array> $wanted    Items by key.
	 * @param Fragment_Cache       $fragments Kept HTML.
	 */
	private static function ask( array $wanted, Fragment_Cache $fragments ): void {
		$answer = self::call(
			array(
				'items'   => array_map( array( self::class, 'for_wire' ), array_values( $wanted ) ),
				'locale'  => determine_locale(),
				'strings' => self::strings(),
				'url'     => home_url( self::address() ),
				'path'    => (string) wp_parse_url( self::address(), PHP_URL_PATH ),
				'theme'   => array(
					'block'      => wp_is_block_theme(),
					'stylesheet' => get_stylesheet(),
					'rtl'        => is_rtl(),
				),
			)
		);
		if ( ! isset( $answer['items'] ) || ! is_array( $answer['items'] ) ) {
			self::degrade( $wanted, $fragments );
			return;
		}
		$head = isset( $answer['head'] ) && is_array( $answer['head'] ) ? $answer['head'] : array();
		foreach ( $wanted as $key => $item ) {
			$entry = array_merge( self::NOTHING, isset( $answer['items'][ $key ] ) && is_array( $answer['items'][ $key ] ) ? $answer['items'][ $key ] : array() );
			if ( 'page' === $item['kind'] && $head ) {
				$entry['head'] = $head;
			}
			self::keep( $key, $entry );
			$fragments->remember( $key, $entry );
		}
		Rendering_Assets::enqueue( (array) ( $answer['styles'] ?? array() ), (array) ( $answer['modules'] ?? array() ) );
	}

	/**
	 * The texts of the backend's HTML that are translated here, in the language of this page.
	 *
	 * @return object By the English text.
	 */
	private static function strings(): object {
		return (object) array_filter(
			require LEARNOMY_DIR . '/includes/rendering-strings.php',
			static function ( string $said, string $text ): bool {
				return $said !== $text;
			},
			ARRAY_FILTER_USE_BOTH
		);
	}

	/**
	 * The backend's answer; its questions on the way are answered.
	 *
	 * @param array $payload What to render.
	 * @return array Empty where there is none.
	 */
	private static function call( array $payload ): array {
		$reply = Doors_Exchange::run(
			array(
				'method'       => 'POST',
				'target'       => '/learnomy-bridge/v1/render',
				'body'         => (string) wp_json_encode( $payload ),
				'content_type' => 'application/json',
				'door'         => 'page',
				'user'         => (string) get_current_user_id(),
				'via'          => is_user_logged_in() ? 'cookie' : '',
				'class'        => 'read',
				'headers'      => array( 'X-Request-ID' => wp_generate_uuid4() ),
				'until_ms'     => Channel::now_ms() + Channel::PATIENCE_MS['read'],
			)
		);
		$data  = 200 === $reply->get_status() ? $reply->get_data() : null;
		return is_array( $data ) && isset( $data['data'] ) && is_array( $data['data'] ) ? $data['data'] : array();
	}

	/**
	 * An item whose attributes are an object in JSON, also when it has none.
	 *
	 * @param array $item Item.
	 * @return array
	 */
	private static function for_wire( array $item ): array {
		$item['attributes'] = (object) $item['attributes'];
		return $item;
	}

	/**
	 * Takes what was last rendered for guests, or a calm notice.
	 *
	 * @param array<string, array> $wanted    Items by key.
	 * @param Fragment_Cache       $fragments Kept HTML.
	 */
	private static function degrade( array $wanted, Fragment_Cache $fragments ): void {
		$kept = $fragments->last( array_keys( $wanted ) );
		foreach ( $wanted as $key => $item ) {
			$entry = $kept[ $key ] ?? array(
				'html'   => '<div class="learnomy-notice" role="status"><p>' . esc_html__( 'This part of the site cannot be shown at the moment. Please try again in a few minutes.', 'learnomy' ) . '</p></div>',
				'status' => 503,
			);
			self::keep( $key, array( 'degraded' => true ) + $entry );
		}
	}

	/**
	 * Keeps what was rendered for this request, and sees to the caches in front of us.
	 *
	 * @param string $key   Item key.
	 * @param array  $entry What was rendered.
	 */
	private static function keep( string $key, array $entry ): void {
		$entry                  = array_merge( self::NOTHING, $entry );
		self::$rendered[ $key ] = $entry;
		if ( isset( $entry['head'] ) && is_array( $entry['head'] ) ) {
			self::$head = $entry['head'];
		}
		Rendering_Assets::enqueue( array( 'learnomy' ), array() );
		if ( $entry['personal'] || $entry['degraded'] ) {
			self::keep_from_caches();
		}
	}

	/**
	 * Keeps this page out of every cache.
	 */
	private static function keep_from_caches(): void {
		if ( ! defined( 'DONOTCACHEPAGE' ) ) {
			define( 'DONOTCACHEPAGE', true ); // phpcs:ignore WordPress.NamingConventions.PrefixAllGlobals -- The name that page caches agreed on.
		}
		if ( ! headers_sent() && ! wp_is_json_request() ) {
			nocache_headers();
		}
	}

	/**
	 * The address of this request with the parameters that matter, in one order.
	 *
	 * @return string Below the site's home.
	 */
	public static function address(): string {
		$here = defined( 'REST_REQUEST' ) && REST_REQUEST ? '/' : Page_Access::here();
		$path = (string) wp_parse_url( $here, PHP_URL_PATH );
		wp_parse_str( (string) wp_parse_url( $here, PHP_URL_QUERY ), $given );
		$query = array();
		foreach ( $given as $name => $value ) {
			if ( is_string( $value ) && '' !== $value && 1 === preg_match( self::PARAMETER, (string) $name ) ) {
				$query[ $name ] = substr( $value, 0, 500 );
			}
		}
		ksort( $query );
		return $path . ( $query ? '?' . http_build_query( $query, '', '&', PHP_QUERY_RFC3986 ) : '' );
	}
}
